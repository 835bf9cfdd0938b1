"""What did the client write? Each record of its updates topic, read as gridcall's door would read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from shared.envelope import read
from shared.errors import DeadLetter
from shared.loop.tickets import shortened
from shared.messages import of_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

UPDATES: Final = of_kind("update")
RESYNC: Final = "resync"


@dataclass(frozen=True, slots=True)
class Heard:
    """An update, what is wrong with its form, and what the kit answered."""

    kind: str
    """`sign` of `gridcall.order.sign.v1`; another type as it stands."""
    order: str
    source: str
    id: str
    value: bytes = b""
    problem: str = ""
    answer: str = ""
    """`accepted`, `repeated`, `refused: <reason>` or nothing."""
    case: str = ""
    step: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Give what makes it the same update when it is sent again."""
        return self.source, self.id

    def at(self, case: str, step: int, answer: str) -> Heard:
        """Give it with the case and the step in which it came, and its answer."""
        return replace(self, case=case, step=step, answer=answer)


def heard(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Heard:
    """Give a record as it was understood; it never raises."""
    content = _object(value)
    named = content.get("order_id")
    order = named if isinstance(named, str) else ""
    try:
        envelope = read(headers, 0)
    except DeadLetter as error:
        return Heard("", order, "", "", value or b"", error.detail)
    kind = envelope.type.removeprefix("gridcall.order.").removesuffix(".v1")
    return Heard(kind, order, envelope.source, envelope.id, value or b"", _problem(envelope.type, value))


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        content = from_json(value or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _problem(kind: str, value: bytes | None) -> str:
    body = UPDATES.get(kind)
    if body is None:
        return f"ce_type {kind} is none of {', '.join(UPDATES)}"
    try:
        body.model_validate_json(value or b"")
    except ValueError as error:
        return f"the value of {kind} is not as it should be: {shortened(error)}"
    return ""
