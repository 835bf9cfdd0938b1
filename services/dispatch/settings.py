"""Which environment variables does dispatch read? Those of all services, and where its HTTP departments stand."""

from __future__ import annotations

import os

from pydantic import Field

from shared.settings import Settings as Shared


class Settings(Shared):
    """What dispatch needs to know."""

    webhooks: str = Field("", description="YAML file of the departments that are reached by HTTP; empty: none")
    resync_page: int = Field(
        200, ge=1, le=10_000, description="orders of a snapshot that are asked for at once; updates come between two"
    )


def own(settings: Shared) -> Settings:
    """Give dispatch's settings on top of those that all services share."""
    return settings if isinstance(settings, Settings) else Settings(**settings.model_dump())


def variable(name: str) -> str | None:
    """Give a variable that the file of HTTP departments names as the place of a secret."""
    return os.environ.get(name)  # noqa: TID251 - the only reader of such names
