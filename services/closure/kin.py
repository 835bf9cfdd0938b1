"""What does a ticket know of its family? For whom it stands, who stands for it, and what it has asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.decider import Frozen
from shared.messages import (
    DuplicateSuspected,
    Fact,
    FamilyAsked,
    FamilyRefused,
    ProjectSuggested,
    Relation,
    TicketAdopted,
    TicketAttached,
    TicketDetached,
    TicketMerged,
    TicketRelated,
    TicketReleased,
    TicketUnmerged,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Ask(Frozen):
    """What a ticket has asked another one and has no answer to yet."""

    into: str
    relation: Relation
    by: str
    reason: str


class Child(Frozen):
    """A ticket for which another one stands."""

    id: str
    relation: Relation


class Family(Frozen):
    """Of most tickets there is none."""

    asked: Ask | None = None
    asks: int = 0
    main: str = ""
    """Who stands for it."""
    relation: Relation | None = None
    """How it belongs to `main`."""
    children: tuple[Child, ...] = ()
    related: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()
    """Of which tickets it was suspected to be a duplicate."""
    suggested: int = 0
    """How often the matter had come back when a project was suggested."""

    @property
    def merged(self) -> bool:
        """Tell whether it is one more voice on another ticket."""
        return self.relation == "duplicate"

    @property
    def attached(self) -> bool:
        """Tell whether it is a part of another ticket."""
        return self.relation == "child"

    def of(self, relation: Relation) -> tuple[str, ...]:
        """Give the tickets of one relation for which it stands."""
        return tuple(child.id for child in self.children if child.relation == relation)

    def has(self, child: str, relation: Relation | None = None) -> bool:
        """Tell whether it stands for a ticket."""
        return any(each.id == child and relation in {None, each.relation} for each in self.children)

    def without(self, child: str) -> tuple[Child, ...]:
        """Give its children but for one."""
        return tuple(each for each in self.children if each.id != child)


ALONE: Final = Family()


def after(family: Family | None, fact: Fact) -> Family | None:
    """Give the family after a fact of closure's own."""
    change = AFTER.get(type(fact))
    return family if change is None else (family or ALONE).model_copy(update=change(family or ALONE, fact))


PARTED: Final[dict[str, Any]] = {"main": "", "relation": None}
AFTER: Final[dict[type[Fact], Callable[[Family, Any], dict[str, Any]]]] = {
    FamilyAsked: lambda _family, fact: {
        "asked": Ask(into=fact.into, relation=fact.relation, by=fact.by, reason=fact.reason),
        "asks": fact.nth,
    },
    FamilyRefused: lambda _family, _fact: {"asked": None},
    TicketMerged: lambda _family, fact: {"asked": None, "main": fact.into, "relation": "duplicate"},
    TicketAttached: lambda _family, fact: {"asked": None, "main": fact.parent, "relation": "child"},
    TicketUnmerged: lambda _family, _fact: PARTED,
    TicketDetached: lambda _family, _fact: PARTED,
    TicketAdopted: lambda family, fact: {
        "children": (*family.without(fact.child), Child(id=fact.child, relation=fact.relation))
    },
    TicketReleased: lambda family, fact: {"children": family.without(fact.child)},
    TicketRelated: lambda family, fact: {"related": (*family.related, fact.other)},
    DuplicateSuspected: lambda family, fact: {"suspected": (*family.suspected, fact.of)},
    ProjectSuggested: lambda _family, fact: {"suggested": fact.times},
}
"""What each fact changes."""
