"""How does an Open311 client read answers? JSON or XML into the same models, those of any city."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from xml.etree import ElementTree as ET

import httpx
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

LISTS = {"services", "service_requests", "attributes", "values", "errors", "endpoints", "formats"}


class Answer(BaseModel):
    """A part of an answer: what is unknown is ignored, what is empty is missing."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_none(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: inner for name, inner in value.items() if inner is not None and inner != ""}


class Service(Answer):
    """One of the service list."""

    service_code: str
    service_name: str
    description: str | None = None
    metadata: bool
    type: Literal["realtime", "batch", "blackbox"]
    keywords: str | None = None
    group: str | None = None


class Value(Answer):
    """One to choose."""

    key: str
    name: str


class Attribute(Answer):
    """What a service asks for."""

    variable: bool
    code: str
    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
    required: bool
    datatype_description: str | None = None
    order: int | None = None
    description: str | None = None
    values: list[Value] = Field(default_factory=list)


class Definition(Answer):
    """The attributes of a service."""

    service_code: str
    attributes: list[Attribute] = Field(default_factory=list)


class ServiceRequest(Answer):
    """How far a request is."""

    service_request_id: str
    status: Literal["open", "closed"]
    status_notes: str | None = None
    service_name: str | None = None
    service_code: str
    description: str | None = None
    agency_responsible: str | None = None
    service_notice: str | None = None
    requested_datetime: AwareDatetime
    updated_datetime: AwareDatetime | None = None
    expected_datetime: AwareDatetime | None = None
    address: str | None = None
    address_id: str | None = None
    zipcode: str | None = None
    lat: float | None = None
    long: float | None = None
    media_url: str | None = None
    extended_attributes: dict[str, Any] | None = None


class Taken(Answer):
    """What a POST, or a token, leads to."""

    service_request_id: str | None = None
    token: str | None = None
    service_notice: str | None = None
    account_id: str | None = None


class Wrong(Answer):
    """What must be changed."""

    code: int
    description: str


class Endpoint(Answer):
    """Where a version of the service is."""

    specification: str
    url: str
    changeset: str
    type: Literal["production", "test"]
    formats: list[str]


class Discovery(Answer):
    """Where the services are."""

    changeset: datetime | str
    contact: str | None = None
    key_service: str | None = None
    endpoints: list[Endpoint]


def plain(content: bytes) -> Any:
    """Give the content of an answer as JSON would have it, whatever it is written in."""
    if not content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        return orjson.loads(content)
    return _plain(ET.fromstring(content))  # noqa: S314 - answers in this repository and its reference data


def _plain(element: ET.Element) -> Any:
    if element.tag in LISTS:
        return [_plain(child) for child in element]
    if len(element):
        return {child.tag: _plain(child) for child in element}
    return (element.text or "").strip()


def requests_of(answer: httpx.Response) -> list[ServiceRequest]:
    """Give the requests of an answer that has some."""
    assert answer.status_code == httpx.codes.OK, answer.text
    return [ServiceRequest.model_validate(one) for one in plain(answer.content)]


def wrong_of(answer: httpx.Response, status: int) -> list[Wrong]:
    """Give the errors of an answer that says what is wrong, in the format that was asked for."""
    assert answer.status_code == status, answer.text
    kind = "application/json" if answer.request.url.path.endswith(".json") else "text/xml"
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    errors = [Wrong.model_validate(one) for one in plain(answer.content)]
    assert errors
    assert {error.code for error in errors} == {status}
    return errors
