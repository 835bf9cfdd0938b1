"""Which environment variables does intake read? Those of all services, and the key of what people say of themselves."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.settings import Settings as Shared


class Settings(Shared):
    """What intake needs to know."""

    pii_key: SecretStr = Field(
        SecretStr(""),
        description="key that encrypts personal data: 32 bytes, url-safe base64; empty: a key file in GRIDCALL_DATA",
    )


def own(settings: Shared) -> Settings:
    """Give intake's settings on top of those that all services share."""
    return settings if isinstance(settings, Settings) else Settings(**settings.model_dump())
