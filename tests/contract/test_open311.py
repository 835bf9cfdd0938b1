"""Do our answers conform to GeoReport v2, and do the models that read them read those of other cities too?

The schemas and the answers lie in the reference data beside the repository; without it these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.open311 import Definition, Discovery, Service, ServiceRequest, Taken, Wrong, plain
from tests.unit.intake.test_open311 import City, issued

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "open311"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the reference data is not there: {DATA}")


def conforms(instance: Any, schema: dict[str, Any]) -> None:
    """Fail where an instance does not conform to a schema, formats included."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(instance)


def schema(name: str) -> Any:
    """Give a schema of the specification."""
    return json.loads((DATA / f"schema_{name}.json").read_text(encoding="utf-8"))


def swagger(name: str) -> dict[str, Any]:
    """Give a definition of the specification's swagger document, with what it refers to."""
    document = schema("swagger")
    return {"$ref": f"#/definitions/{name}", "definitions": document["definitions"]}


async def test_services_and_definitions_conform() -> None:
    """All of the profile."""
    city = City()
    services = (await city.get("services.json")).json()
    assert services
    for service in services:
        conforms(service, schema("service"))
        conforms(service, swagger("Service"))
        answer = (await city.get(f"services/{service['service_code']}.json")).json()
        conforms(answer, schema("service-definition"))
        conforms(answer, swagger("ServiceDefinition"))


async def test_requests_conform_from_the_first_to_the_last() -> None:
    """Taken, ordered, with all fields and with none."""
    city = City()
    answers = [
        await city.post(),
        await city.post(lat="", long="", description="", address_string="东大街12号", media_url="https://a.example/x"),
    ]
    for answer in answers:
        taken = answer.json()[0]
        conforms({k: v for k, v in taken.items() if v is not None}, swagger("RequestResponse"))
        (token,) = (await city.get(f"tokens/{taken['service_request_id']}.json")).json()
        conforms(token, swagger("TokenResponse"))
    await city.fold()
    last = answers[-1].json()[0]["service_request_id"]
    city.say(last, issued(last))
    shown = (await city.get("requests.json", extensions="true")).json()
    assert len(shown) == len(answers)
    for one in shown:
        conforms(one, schema("request"))
        conforms({k: v for k, v in one.items() if v is not None}, swagger("Request"))


REQUESTS = [
    ("chicago_extended_50.json", 50),
    ("requests_many.xml", 2),
    ("requests_single.xml", 1),
    ("service_requests.json", 2),
    ("npm_mocks/service-request.xml", 1),
    ("npm_mocks/service-requests.xml", 2),
]


@pytest.mark.parametrize(("file", "count"), REQUESTS)
def test_requests_of_other_cities_are_read(file: str, count: int) -> None:
    """Chicago, Toronto, San Francisco."""
    found = [ServiceRequest.model_validate(one) for one in plain((DATA / file).read_bytes())]
    assert len(found) == count
    assert all(one.service_code and one.lat and one.address for one in found)


@pytest.mark.parametrize(
    ("file", "count"), [("services_giessen.xml", 8), ("service_list.json", 3), ("npm_mocks/dc-services.xml", 86)]
)
def test_services_of_other_cities_are_read(file: str, count: int) -> None:
    """Giessen and Washington."""
    assert len([Service.model_validate(one) for one in plain((DATA / file).read_bytes())]) == count


def test_what_else_other_cities_answer_is_read() -> None:
    """A definition, discoveries, tokens and an error."""
    mocks = DATA / "npm_mocks"
    definition = Definition.model_validate(plain((mocks / "dc-services-S0301.xml").read_bytes()))
    assert {"WHISPOLO", "ISITHAZA"} <= {attribute.code for attribute in definition.attributes}
    for file in ("discovery-boston.json", "discovery-dc.xml"):
        assert Discovery.model_validate(plain((mocks / file).read_bytes())).endpoints
    for file in ("token.xml", "boston-submitrequest-token.xml"):
        (taken,) = [Taken.model_validate(one) for one in plain((mocks / file).read_bytes())]
        assert taken.token
    (error,) = plain((mocks / "boston-err-submitrequest-base_is_duplicate.xml").read_bytes())
    assert Wrong.model_validate(error).code == 400
