"""How much time does a rule give, and in which sort of time?"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

TimeUnit = Literal[
    "minutes",
    "urgent_hours",
    "urgent_days",
    "work_hours",
    "work_days",
    "natural_days",
]

UNITS: Final[tuple[str, ...]] = get_args(TimeUnit)
_WRITTEN = re.compile(r"(\d{1,12}) +([a-z_]+)")


class Limit(BaseModel):
    """An amount of time as a city writes it; in a file `2 urgent_hours`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: int = Field(gt=0, le=10_000)
    unit: TimeUnit

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        written = _WRITTEN.fullmatch(value.strip())
        if written is None or written[2] not in UNITS:
            message = (
                f"'{value}' is not a limit: write a whole number and one of {', '.join(UNITS)}, "
                "for example `2 urgent_hours`"
            )
            raise ValueError(message)
        return {"amount": int(written[1]), "unit": written[2]}

    def __str__(self) -> str:
        """The limit in plain words: `2 urgent hours`."""
        words = self.unit.replace("_", " ")
        return f"{self.amount} {words.removesuffix('s') if self.amount == 1 else words}"
