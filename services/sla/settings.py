"""Which environment variables does sla read? Those of all services, and how often it audits its timers."""

from __future__ import annotations

from pydantic import Field

from shared.settings import Settings as Shared


class Settings(Shared):
    """What sla needs to know."""

    sla_audit_every_s: float = Field(
        300.0, ge=0, allow_inf_nan=False, description="seconds between two audits of the timers; 0: never"
    )
    sla_audit_speed: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="highest speed of time at which the log was written"
    )


def own(settings: Shared) -> Settings:
    """Give sla's settings on top of those that all services share."""
    return settings if isinstance(settings, Settings) else Settings(**settings.model_dump())
