"""Which trace does a message belong to? W3C trace context on all of them; spans only where a collector is named.

A report that brings no traceparent begins the trace of its ticket, whose ids follow from the ticket's: so timers,
and answers of departments that send none, are of the same trace without anybody remembering it.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.ids import digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from shared.envelope import Outgoing
    from shared.spans import Spans

TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})((?:-[ -~]*)?)", re.ASCII
)
"""Later versions than 00 may say more behind a dash; what is known of them goes on as version 00."""

NOTHING = ("", "")
concerning: ContextVar[tuple[str, str]] = ContextVar("concerning", default=NOTHING)
"""Ticket and traceparent of what is handled just now: every log line names them."""

spans: Spans | None = None
"""What makes spans; None where no collector is named, and then OpenTelemetry's SDK is not even imported."""


@lru_cache(4096)
def valid(raw: bytes) -> str:
    """Give a traceparent as it goes on; empty for one that is none, which W3C bids us to ignore."""
    found = TRACEPARENT.fullmatch(raw)
    if found is None or (found[1] == b"00" and found[3]):
        return ""
    return f"00-{found[2].decode()}"


@lru_cache(4096)
def of_ticket(ticket: str) -> str:
    """Give the traceparent of a ticket's own trace; its span is the taking of the report."""
    ident = digest("trace", ticket, size=24)
    return f"00-{ident[:16].hex()}-{ident[16:].hex()}-01"


def trace_id(traceparent: str) -> str:
    """Give the id of the trace; empty where there is none."""
    return traceparent[3:35]


def export_to(endpoint: str, service: str, version: str) -> None:
    """Make spans from now on, and send them to an OTLP collector in the background; does nothing without one."""
    global spans  # noqa: PLW0603 - the one switch, looked at on the hot path
    if endpoint:
        from shared.spans import Spans  # noqa: PLC0415 - the SDK is imported only where it is wanted

        spans = Spans(endpoint, service, version)


def end() -> None:
    """Send what is left, for a moment at most, and make no more spans."""
    global spans
    ended, spans = spans, None
    if ended is not None:
        ended.end()


def handling(service: str, kind: str, ticket: str, given: str, *, first: bool = False) -> AbstractContextManager[str]:
    """Handle a message under `given`, or in its ticket's own trace; gives the traceparent of what it leads to.

    `first` where the ticket begins: its own trace, where it has one, begins there too.
    """
    if spans is None:
        return nullcontext(given or of_ticket(ticket))
    return spans.handling(service, kind, ticket, given, first=first)


def turn(service: str, group: str, records: int) -> AbstractContextManager[None]:
    """Take a turn of a partition loop; what is handled and published in it refers to it."""
    return nullcontext() if spans is None else spans.turn(service, group, records)


def publishing(messages: Iterable[Outgoing]) -> AbstractContextManager[None]:
    """Publish some messages."""
    return nullcontext() if spans is None else spans.publishing(messages)
