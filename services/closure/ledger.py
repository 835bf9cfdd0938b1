"""What does closure remember of a ticket's points (积分)? Who may earn them, and what was awarded and still stands."""

from __future__ import annotations

from shared.decider import State


class Entry(State):
    """A rule and an account; `points` as they were awarded."""

    rule: str
    account: str
    points: int = 0


class Points(State):
    """Nothing of a ticket that fits no rule."""

    earned: tuple[Entry, ...] = ()
    """What the work that was done last earns when the ticket is closed."""
    assisted: tuple[Entry, ...] = ()
    """The same of those who assist; it stands although the lead does its work again."""
    awarded: tuple[Entry, ...] = ()
    """What stands: none while the ticket is open."""
