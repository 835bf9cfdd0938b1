"""What did people do about one report? The part that the tool plays, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

MAX_VALUE: Final = 900_000
"""Longest body that is sent, in bytes; a topic takes a little more."""
Ending = Literal["closed", "open", "diverted", "refused"]
ENDINGS: Final[tuple[Ending, ...]] = ("closed", "open", "diverted", "refused")


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the first order, or from a reopening, until it is done or the record ends."""

    route: tuple[str, ...] = ()
    """The departments in turn; each but the last passes it on. Empty: whoever gets it keeps it."""
    signed: bool = True
    done: bool = True


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does besides the usual work, once something has happened as often as this."""

    body: dict[str, Any]
    """What is said; `$now` stands for the instant at which it is."""
    command: str = ""
    """At the desk."""
    says: str = ""
    """On the topic of a department: `check-in`, `progress`, ..."""
    handler: str = ""
    """Whose order is meant; left out: the lead's."""
    after: str = "order-issued"
    """The word of a fact: `whistle-raised`."""
    nth: int = 1
    role: str = ""
    """Of the order that is meant; left out: the handler's latest one."""


@dataclass(frozen=True, slots=True)
class Script:
    """What the tool plays for one report."""

    stretches: tuple[Stretch, ...] = (Stretch(),)
    """One, and one more for each reopening."""
    triage: dict[str, Any] | None = None
    """What the person at the queue decides, where the profile does not: the body of the `triage` command."""
    reworks: tuple[str, ...] = ()
    """Why what was done did not stand, once for each time."""
    solved: bool = True
    """What the person says when called back."""
    rating: int | None = None
    sends: int = 1
    """How often the sender sends the same report."""
    ends: Ending = "closed"
    label: str = ""
    """What this report shows, for the table of an example day."""
    accepted_by: str = ""
    """Who takes it on at the top once it has climbed there, where its climb is shown."""
    acts: tuple[Deed, ...] = ()
    """One after the other, before whoever leads finishes."""
    proof: dict[str, Any] = field(default_factory=dict)
    """What is handed in with the word that it is done, where the profile asks for some."""
    recorded: bool = True
    """False: nobody recorded how it ended, so that a refusal or a diversion is as good an end as any."""

    @property
    def hand_overs(self) -> int:
        """How often one department passes the ticket on to another."""
        return sum(max(0, len(stretch.route) - 1) for stretch in self.stretches)

    @property
    def reopenings(self) -> int:
        """How often it is opened again after it was closed."""
        return len(self.stretches) - 1

    @property
    def closings(self) -> int:
        """How often it is closed."""
        return sum(stretch.done for stretch in self.stretches) if self.ends in {"closed", "open"} else 0


@dataclass(frozen=True, slots=True)
class Row:
    """One report of a file: how it is sent, and what is played for it."""

    line: int
    id: str
    source: str
    body: dict[str, Any]
    value: bytes
    """The body as it is sent."""
    script: Script
    at: float
    """Recorded instant in epoch seconds, for pacing; 0 where none is recorded."""
    name: str
    """How people know it: its id, or its line where the file gives it none."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be sent, and what to change."""

    line: int
    problem: str


def made(
    line: int, ident: str, source: str, body: dict[str, Any], script: Script, at: float, name: str = ""
) -> Row | BadRow:
    """Give a row that can be sent, or why it cannot be; people are told its name, or its id where it has none."""
    try:
        value = orjson.dumps(body)
        (ident + source).encode()
    except (TypeError, ValueError) as error:
        return BadRow(line, f"cannot be sent: {error}")
    if not ident or not source:
        return BadRow(line, "id and source must not be empty")
    if len(value) > MAX_VALUE:
        return BadRow(line, f"{len(value)} bytes: send at most {MAX_VALUE}, and files by reference")
    return Row(line, ident, source, body, value, script, at, name or ident)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that has been read."""

    name: str
    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()
    """What in the file cannot be played, in sentences."""


def script_from(played: dict[str, Any]) -> Script:
    """Give the script of an example's `_play`; raises ValueError that says what is wrong with it."""
    known = {
        "at", "stretches", "triage", "reworks", "solved", "rating", "sends", "ends", "label", "acts", "proof",
        "accepted_by",
    }  # fmt: skip
    unknown = sorted(played.keys() - known)
    if unknown:
        raise ValueError(f"_play has no field {', '.join(unknown)}: choose from {', '.join(sorted(known))}")
    stretches = tuple(
        Stretch(tuple(each.get("route", ())), each.get("signed", True), each.get("done", True))
        for each in played.get("stretches", ({},))
    )
    ends = played.get("ends", "closed" if stretches[-1].done else "open")
    if ends not in ENDINGS:
        raise ValueError(f"_play.ends is {ends!r}: choose from {', '.join(ENDINGS)}")
    return Script(
        stretches=stretches,
        triage=played.get("triage"),
        reworks=tuple(played.get("reworks", ())),
        solved=played.get("solved", True),
        rating=played.get("rating"),
        sends=played.get("sends", 1),
        ends=ends,
        label=played.get("label", ""),
        proof=played.get("proof", {}),
        acts=tuple(Deed(**each) for each in played.get("acts", ())),
        accepted_by=played.get("accepted_by", ""),
    )
