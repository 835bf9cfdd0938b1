"""What must be done about it? Each error class names its remedy."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - named by the remedy, not by "Error"
    """A command or a report may not be done: tell the sender why and what to change.

    `reason` is one short word for machines and metrics, `detail` the sentence in English,
    `detail_zh` the same in Chinese.
    """

    def __init__(self, reason: str, detail: str, detail_zh: str = "") -> None:
        """Keep the three parts; `str()` gives the English sentence."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.detail_zh = detail_zh or detail


class DeadLetter(Exception):  # noqa: N818
    """This record can never be handled: store it with its origin and go on."""

    def __init__(self, reason: str, detail: str) -> None:
        """`reason` is one short word for metrics, `detail` a sentence for whoever looks into it."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class TryLater(Exception):  # noqa: N818
    """A part of the infrastructure is away: wait, with growing pauses, and try again."""


class Conflict(Exception):  # noqa: N818
    """Somebody else wrote first: read again and decide anew."""


class Fenced(Exception):  # noqa: N818
    """This process no longer owns the partition: drop everything that belongs to it."""
