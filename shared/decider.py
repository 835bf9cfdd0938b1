"""What does a service hand to the loop? Its pure rules and what follows from their facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.messages.registry import Body, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.envelope import Envelope
    from shared.errors import Refused
    from shared.messages.registry import Fact


class Frozen(BaseModel):
    """A part of a state. Never changed in place."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Give a copy with some fields changed; five times faster than pydantic's, since states are flat and frozen."""
        if deep:
            return super().model_copy(update=update, deep=deep)
        made = self.__class__.__new__(self.__class__)
        changed = update or {}
        object.__setattr__(made, "__dict__", {**self.__dict__, **changed})
        object.__setattr__(made, "__pydantic_fields_set__", self.__pydantic_fields_set__ | changed.keys())
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class State(Frozen):
    """What a service knows of one ticket: the fold of what it has read and said."""


S = TypeVar("S", bound=State)


class TimerDue(Body):
    """The instant for which the state asked has come."""

    kind: ClassVar[Kind] = "command"
    producer: ClassVar[str] = ""

    due_at: AwareDatetime


class Message(NamedTuple):
    """A record that was read, or a fact that was just decided, as rules see it."""

    envelope: Envelope
    ticket: str
    data: Any
    """The body: one of shared.messages, or TimerDue."""


class Effect(NamedTuple):
    """A message to another topic than the log that follows from a decision; its id follows from its cause."""

    topic: str
    body: Body
    key: str | None = None
    """None: the ticket id."""
    causation: str | None = None
    """None: the id of the message that was decided on."""


class Turn(NamedTuple):
    """What one message led to, for `effects` and `observe`."""

    message: Message
    facts: tuple[Message, ...]
    refused: Refused | None = None
    repeated: bool = False
    """The command has been answered before: answer again, do nothing again."""
    said: tuple[str, ...] = ()
    """Wire types of the facts that followed; for a repeated command those of the first time."""
    state: Any = None
    """The state after it, for `observe`."""


def _no_effects(_state: Any, _turn: Turn) -> Sequence[Effect]:
    return ()


def _nothing(_turn: Turn) -> None:
    return None


def _no_timer(_state: Any) -> None:
    return None


def _no_fields(_state: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Decider(Generic[S]):
    """A service's rules as the loop calls them, for each ticket in the order of the log.

    decide: facts that follow from a message; may raise Refused for a command, DeadLetter for a message
    that concerns no known ticket. Anything else that it raises parks the ticket.
    evolve: the state after a message: the one that was read, then each fact of one's own.
    effects: messages to other topics. observe: metrics, called once the outcome is durable.
    wake_at: when the ticket wants a TimerDue, None for never.
    fields: what stands beside the state in the stored document, to be searched; the state itself is
    JSON in one field, so that nothing that a report may contain can be unfit for BSON.
    reads_everything: unknown types become dead letters, and gaps in a producer's sequence are counted.
    """

    service: str
    state: type[S]
    consumes: Mapping[str, type[Body]]
    decide: Callable[[S, Message, datetime], Sequence[Fact]]
    evolve: Callable[[S, Message], S]
    effects: Callable[[S, Turn], Sequence[Effect]] = _no_effects
    observe: Callable[[Turn], None] = _nothing
    wake_at: Callable[[S], datetime | None] = _no_timer
    fields: Callable[[S], dict[str, Any]] = _no_fields
    reads_everything: bool = False
