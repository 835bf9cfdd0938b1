"""Which messages exist? Every wire type with its version, its kind and who says it; filled as they are defined."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["fact", "command", "report", "receipt", "order", "update", "answer"]

REGISTRY: dict[str, type[Body]] = {}
"""Wire type -> body. A changed meaning is a new version; an added optional field is not."""


class Body(BaseModel):
    """The body of a message; readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: ClassVar[str] = ""
    kind: ClassVar[Kind]
    producer: ClassVar[str]
    """Who says it; for a command: which service decides it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register every body that has a wire type."""
        super().__pydantic_init_subclass__(**kwargs)
        if "type" in cls.__dict__:
            if cls.type in REGISTRY:
                problem = f"two bodies with the wire type {cls.type}"
                raise TypeError(problem)
            REGISTRY[cls.type] = cls


class Fact(Body):
    """Something that happened to a ticket; it may not be refused."""

    kind: ClassVar[Kind] = "fact"


class Command(Body):
    """Something that somebody asks for; it may be refused. `by` is who asks."""

    kind: ClassVar[Kind] = "command"

    by: str = ""


def of_kind(kind: Kind, producer: str | None = None) -> dict[str, type[Body]]:
    """Give the bodies of one kind, of one producer (or deciding service) where it is given."""
    return {
        name: body
        for name, body in REGISTRY.items()
        if body.kind == kind and (producer is None or body.producer == producer)
    }
