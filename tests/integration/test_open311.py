"""An Open311 client posts a request, and its status follows the ticket until it is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.support.open311 import Service, ServiceRequest, Taken, plain, requests_of
from tests.support.story import Story
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
V2 = "/open311/v2"
STALL = {"service_code": "0405", "address_id": "511802001003002", "description": "店外经营占道"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """One city for all of it."""
    async with Story(tmp_path_factory.mktemp("open311")) as story:
        yield story


async def ask(city: Story, path: str, **query: str) -> httpx.Response:
    """Ask as a client does."""
    return await city.http.get(city.url("intake", f"{V2}/{path}"), params=query)


async def test_a_request_posted_in_xml_is_followed_until_it_is_closed(city: Story) -> None:
    """Service list, definition, POST, status, and the lists that it stands in."""
    services = [Service.model_validate(one) for one in plain((await ask(city, "services.xml")).content)]
    assert STALL["service_code"] in {service.service_code for service in services}
    answer = await city.http.post(
        city.url("intake", f"{V2}/requests.xml"), data=STALL | {"first_name": "Nobody", "phone": "00000000123"}
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    (taken,) = [Taken.model_validate(one) for one in plain(answer.content)]
    ticket = taken.service_request_id or ""

    async def shown() -> ServiceRequest:
        (one,) = requests_of(await ask(city, f"requests/{ticket}.xml"))
        (listed,) = requests_of(await ask(city, "requests.json", service_request_id=ticket))
        assert one == listed
        return one

    assert (await shown()).status == "open"
    await city.becomes(ticket, "ordered")
    await city.settled()
    ordered = await shown()
    assert (ordered.status, ordered.service_code, ordered.address_id) == ("open", "0405", "511802001003002")
    assert ordered.agency_responsible
    assert ordered.expected_datetime is not None
    order = await city.ordered("chengguan", ticket)
    await city.does("chengguan", "sign", order)
    await city.passes(hours=1)
    await city.does("chengguan", "done", order, result="已劝离")
    await city.becomes(ticket, "closed")
    await city.settled()
    closed = await shown()
    assert closed.status == "closed"
    assert closed.updated_datetime == city.clock.now()
    assert [one.service_request_id for one in requests_of(await ask(city, "requests.xml", status="closed"))] == [ticket]
    assert requests_of(await ask(city, "requests.xml", status="open")) == []
    assert await city.happened(ticket, "closed")


async def test_the_public_list_is_read_by_an_index(city: Story) -> None:
    """However many tickets there are, those that are not public are not looked at."""
    explained = await city.services["intake"].db.command(
        "explain",
        {
            "find": "tickets",
            "filter": {"public.at": {"$lte": city.clock.now()}, "public.code": {"$in": ["0405"]}},
            "sort": {"public.at": -1, "_id": 1},
        },
    )
    assert "IXSCAN" in str(explained["queryPlanner"]["winningPlan"])
    assert "COLLSCAN" not in str(explained["queryPlanner"]["winningPlan"])


async def test_nothing_of_who_sent_it_is_in_any_answer_topic_or_store(city: Story) -> None:
    """Name, phone and mail are in intake's sealed body alone."""
    secrets = {"first_name": "Quirm", "last_name": "Wossname", "phone": "00000000789", "email": "q@wossname.example"}
    text = {"description": "Quirm, 00000000789, q@wossname.example", "service_code": "0110"}
    answer = await city.http.post(city.url("intake", f"{V2}/requests.json"), data=STALL | secrets | text)
    ticket = answer.json()[0]["service_request_id"]

    async def brought() -> bool:
        return ticket in {s.key for s in await city.log()}

    await eventually(brought, what="it is on the log")
    await city.becomes(ticket, "ordered")
    await city.settled()
    seen = [*await city.log(), *await city.receipts(), *await city.orders("huanwei")]
    shown = [str([s.headers, s.value]) for s in seen] + [(await ask(city, "requests.json", extensions="true")).text]
    for service in city.services.values():
        for collection in await service.db.list_collection_names():
            shown += [str(document) async for document in service.db[collection].find({})]
    for secret in secrets.values():
        assert not any(secret in text for text in shown), secret
