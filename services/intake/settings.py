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
    open311_keys: SecretStr = Field(
        SecretStr(""), description="api_keys that may post by Open311, commas between them; empty: anybody may"
    )
    open311_jurisdictions: str = Field(
        "", description="further jurisdiction_ids of Open311, commas between them; the profile's name is always one"
    )
    intake_url: str = Field(
        "", description="public address of intake, for links to files and to Open311; empty: as the request called it"
    )
    intake_in_flight: int = Field(
        200,
        ge=1,
        description="requests under /v1 and /open311 that intake works on at once; more get 429 with Retry-After",
    )
    attachments: str = Field(
        "",
        description="where uploaded files are kept: a folder, or s3://bucket/folder with AWS_ENDPOINT, AWS_REGION, "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; empty: attachments in GRIDCALL_DATA",
    )
    attachment_bytes: int = Field(10_485_760, ge=1, le=104_857_600, description="largest file that may be uploaded")
    attachment_types: str = Field(
        "image/jpeg,image/png,image/webp,image/gif,image/heic,video/mp4,audio/mpeg,audio/mp4,application/pdf",
        description="media types that may be uploaded, commas between them; no others than these",
    )
    attachment_digests: bool = Field(
        default=False,
        description="whether attachments by reference need their sha256, so that a changed file is noticed",
    )
    open311_contact: str = Field("", description="whom a developer of an Open311 client asks for help or an api_key")


def own(settings: Shared) -> Settings:
    """Give intake's settings on top of those that all services share."""
    return settings if isinstance(settings, Settings) else Settings(**settings.model_dump())
