"""What does an Open311 client get, for good input and for strange one?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.handlers import decider
from services.intake.open311 import add_open311
from services.intake.settings import Settings
from shared.ids import ticket_id
from shared.messages import Fact, Handler, TicketClosed, TicketReported
from shared.topics import TICKETS
from tests.support.fold import Folded
from tests.support.open311 import Definition, Discovery, Service, ServiceRequest, Taken, plain, requests_of, wrong_of
from tests.unit.intake.counter import NOON, Counter, body_of, profile
from tests.unit.intake.test_tracking import golden

FORM = "application/x-www-form-urlencoded"
LAMP = {"service_code": "0113", "lat": "30.026", "long": "102.95", "description": "路面破了一个洞"}
V2 = "/open311/v2"


@dataclass
class City(Counter):
    """intake with its door for Open311, and the log's way back to it by hand."""

    given: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Wire as app.py does."""
        super().__post_init__()
        settings = Settings(**self.given)
        self.desk = replace(self.desk, digests=settings.attachment_digests)
        add_open311(self.app, self.desk, self.uploads, settings)
        self._log = Folded(decider(profile()), NOON)
        self._read = 0

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """Ask for something."""
        return await self.http("GET", f"{V2}/{path}" + (f"?{urlencode(query)}" if query else ""))

    async def post(self, fmt: str = "json", /, key: str = "", **form: Any) -> httpx.Response:
        """Send a form."""
        headers = {"Content_Type": f"{FORM}; charset=utf-8"} | ({"Idempotency_Key": key} if key else {})
        body = urlencode(LAMP | form, doseq=True).encode()
        return await self.http("POST", f"{V2}/requests.{fmt}", body, **headers)

    async def taken(self, **form: Any) -> str:
        """Send a form that is taken; gives the id of the request."""
        answer = await self.post(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()[0]["service_request_id"])

    async def fold(self) -> None:
        """Publish what waits, and let the log bring it."""
        await self.spool.step()
        for sent in self.paper.sent[self._read :]:
            if sent.topic == TICKETS:
                self._brought(sent.key, sent)
        self._read = len(self.paper.sent)

    def say(self, ticket: str, fact: Fact) -> None:
        """Let the log bring a fact of another service."""
        self._brought(ticket, fact)

    def _brought(self, ticket: str, what: Any) -> None:
        self._log.clock = self.clock
        self._log.read(what, ticket)
        self.store.tickets[ticket] = self._log.state(ticket).model_dump_json(exclude_defaults=True).encode()

    async def listed(self, **query: Any) -> list[str]:
        """Give the ids of a list."""
        return [one.service_request_id for one in requests_of(await self.get("requests.json", **query))]


async def test_the_service_list_is_the_profile_s_and_the_same_in_both_formats() -> None:
    """A service for every category, with its names, its class and whether there is something to choose."""
    city = City()
    found = [Service.model_validate(one) for one in (await city.get("services.json")).json()]
    assert [one.service_code for one in found] == [category.code for category in profile().categories]
    road = next(one for one in found if one.service_code == "0113")
    assert (road.service_name, road.metadata, road.type) == ("道路破损 Damaged road surface", True, "realtime")
    assert "路面坑洼" in (road.keywords or "")
    answer = await city.get("services.xml")
    assert answer.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<services><service><service_code>')
    assert [Service.model_validate(one) for one in plain(answer.content)] == found


@pytest.mark.parametrize("fmt", ["json", "xml"])
async def test_a_definition_offers_the_filing_conditions(fmt: str) -> None:
    """As a list to choose one of, when there is a choice; else nothing is asked for."""
    city = City()
    asks = Definition.model_validate(plain((await city.get(f"services/0113.{fmt}")).content))
    (attribute,) = asks.attributes
    assert (attribute.code, attribute.datatype, attribute.variable) == ("condition", "singlevaluelist", True)
    assert [value.key for value in attribute.values][:2] == ["broken", "cracked"]
    none = Definition.model_validate(plain((await city.get(f"services/0110.{fmt}")).content))
    assert (none.service_code, none.attributes) == ("0110", [])
    wrong_of(await city.get(f"services/9999999.{fmt}"), 404)


@pytest.mark.parametrize("fmt", ["json", "xml"])
async def test_a_request_is_taken_as_a_report_is(fmt: str) -> None:
    """Durable, on the log by the channel open311, with an id and without a token, which the specification excludes."""
    city = City()
    answer = await city.post(fmt, **{"attribute[condition]": "broken", "media_url": "https://a.example/x.jpg"})
    (taken,) = [Taken.model_validate(one) for one in plain(answer.content)]
    assert taken.service_request_id is not None
    assert taken.token is None
    assert f"http://intake/v1/reports/{taken.service_request_id}?token=" in (taken.service_notice or "")
    await city.spool.step()
    fact = TicketReported.model_validate(body_of(city.paper.sent[0]))
    assert (fact.channel, fact.category, fact.condition, fact.text) == ("open311", "0113", "broken", "路面破了一个洞")
    assert (fact.place.lat, fact.place.lon) == (30.026, 102.95)
    assert [(one.url, one.media_type) for one in fact.attachments] == [("https://a.example/x.jpg", "image/jpeg")]
    assert fact.caller.anonymous


async def test_who_sends_it_is_sealed_and_nothing_of_it_is_public() -> None:
    """Name, phone, mail, device and account, in fields and in free text, and the rooms of a home."""
    city = City()
    answer = await city.post(
        first_name="Quentin",
        last_name="Wossname",
        phone="00000000789",
        email="wossname@example.org",
        device_id="device-4711",
        account_id="account-0815",
        description="Quentin here, 00000000789 or wossname@example.org. 我住东大街12号3单元502室, Room 7B.",
        address_string="东大街12号3单元502室",
        **{"attribute[colour]": "red"},
    )
    assert answer.json()[0]["account_id"] == "account-0815"
    ident = answer.json()[0]["service_request_id"]
    before = await city.get(f"requests/{ident}.json", extensions="true")
    await city.fold()
    after = await city.get(f"requests/{ident}.json", extensions="true")
    everywhere = [before.text, after.text, (await city.get("requests.xml")).text]
    everywhere += [sent.value.decode() for sent in city.paper.sent]
    for secret in ("Quentin", "Wossname", "00000000789", "wossname", "device-4711", "account-0815"):
        assert not any(secret in text for text in everywhere), secret
    for home in ("3单元", "502", "7B"):
        assert not any(home in text for text in everywhere[:3]), home
    assert requests_of(after)[0].address == "东大街12号***"
    (document,) = city.store.documents.values()
    sealed = city.personal.unseal(document["sealed"]).decode()
    assert all(kept in sealed for kept in ("Quentin Wossname", "00000000789", "wossname@example.org", "3单元502室"))
    assert "device-4711" in sealed


async def test_a_chinese_name_is_written_family_name_first() -> None:
    """So that it is found in the text."""
    city = City()
    await city.taken(first_name="无忌", last_name="某", description="我是某无忌,路灯不亮")
    await city.fold()
    assert requests_of(await city.get("requests.json"))[0].description == "我是***,路灯不亮"


async def test_a_request_is_shown_before_and_after_the_log_has_brought_it() -> None:
    """By its id and in lists, with the same content."""
    city = City()
    ident = await city.taken(address_id="511802001001001")
    by_id, listed = await city.get(f"requests/{ident}.json"), await city.get("requests.json")
    await city.fold()
    assert (await city.get(f"requests/{ident}.json")).json() == by_id.json() == listed.json()
    assert (await city.get("requests.json")).json() == listed.json()
    assert requests_of(await city.get(f"requests/{ident}.xml")) == requests_of(by_id)
    (shown,) = requests_of(by_id)
    assert (shown.status, shown.service_code, shown.address_id) == ("open", "0113", "511802001001001")
    assert shown.requested_datetime == NOON
    assert by_id.json()[0]["requested_datetime"] == "2026-11-22T12:00:00+08:00"
    assert "extended_attributes" not in by_id.json()[0]


async def test_the_status_follows_the_log_until_it_is_closed() -> None:
    """With who is responsible and, once it is closed, when that was and how it ended."""
    city = City()
    ident = await city.taken()
    await city.fold()
    city.clock.advance(timedelta(hours=1))
    city.say(ident, issued(ident))
    (ordered,) = requests_of(await city.get(f"requests/{ident}.xml"))
    assert (ordered.status, ordered.updated_datetime) == ("open", NOON + timedelta(hours=1))
    assert "市政" in (ordered.agency_responsible or "")
    assert ordered.expected_datetime == NOON + timedelta(days=5)
    city.clock.advance(timedelta(hours=1))
    city.say(ident, TicketClosed(outcome="solved", result="Talked with Mr. Wossname."))
    city.clock.advance(timedelta(hours=1))
    (closed,) = requests_of(await city.get(f"requests/{ident}.json", extensions="true"))
    assert (closed.status, closed.expected_datetime) == ("closed", None)
    assert closed.status_notes == "已结案(已解决) Closed (solved)"
    assert closed.updated_datetime == NOON + timedelta(hours=2)
    assert closed.extended_attributes == {"channel": "open311", "state": "closed", "condition": None}
    assert await city.listed(status="closed") == [ident]
    assert await city.listed(status="open") == []


async def test_a_list_is_filtered_and_paged() -> None:
    """By ids, services, dates and status, the newest first."""
    city = City()
    idents: list[str] = []
    for number in range(5):
        idents.insert(0, await city.taken(description=f"n {number}", service_code="0110" if number % 2 else "0113"))
        city.clock.advance(timedelta(days=1))
        if number < 3:
            await city.fold()
    assert await city.listed() == idents
    assert await city.listed(service_code="0110") == [idents[1], idents[3]]
    assert await city.listed(service_code="0110,0113,") == idents
    assert await city.listed(service_code="0112") == []
    assert await city.listed(status="open,closed") == idents
    pages = [await city.listed(page=page, page_size=2) for page in (1, 2, 3, 4)]
    assert pages == [idents[:2], idents[2:4], idents[4:], []]
    asked = ",".join([idents[3], "0000000000000000", "nonsense", idents[0], idents[3]])
    assert await city.listed(service_request_id=asked, status="closed", start_date="nonsense") == [idents[3], idents[0]]
    second = NOON + timedelta(days=1)
    for since in (second.isoformat(), "2026-11-23T12:00:00+08:00", "2026-11-23T12:00:00 08:00", "2026-11-23T04:00:00Z"):
        assert await city.listed(start_date=since) == idents[:4], since
    assert await city.listed(start_date="2026-11-23", end_date="2026-11-24T00:00:00+08:00") == [idents[3]]
    assert await city.listed(end_date="2026-11-22T04:00:00Z") == [idents[4]]
    city.clock.advance(timedelta(days=88))
    assert await city.listed() == idents[:2]


async def test_what_did_not_come_by_a_public_channel_is_not_shown() -> None:
    """A report of the hotline is nobody else's business, nor is one of a category that the profile does not know."""
    city = City()
    await city.submit("k", {"channel": "app", "text": "x", "category": "0113", "place": {"grid": "511802001001001"}})
    await city.submit("l", {"channel": "open311", "text": "x", "category": "of another city"})
    await city.fold()
    assert await city.listed() == []
    for key in ("k", "l"):
        wrong_of(await city.get(f"requests/{ticket_id('gridcall/http', key)}.json"), 404)


async def test_the_same_key_again_gets_the_same_request_and_a_token_finds_it() -> None:
    """Another form under the key is refused; without a key two requests are two."""
    city = City()
    first, again = await city.post(key="k1"), await city.post(key="k1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    ident = first.json()[0]["service_request_id"]
    wrong_of(await city.post(key="k1", description="something else"), 400)
    assert await city.taken() != await city.taken()
    for token in ("k1", ident):
        for fmt in ("json", "xml"):
            found = plain((await city.get(f"tokens/{token}.{fmt}")).content)
            assert found == [{"service_request_id": ident, "token": token}]
    wrong_of(await city.get("tokens/nobody.xml"), 404)


async def test_an_api_key_is_asked_for_where_there_are_any() -> None:
    """Only to post; anywhere in the request."""
    open_to_all = City()
    assert (await open_to_all.post()).status_code == 200
    city = City(given={"open311_keys": "alpha, bêta"})
    for fmt in ("json", "xml"):
        wrong_of(await city.post(fmt), 403)
        wrong_of(await city.post(fmt, api_key="alph"), 403)
    assert (await city.post(api_key="alpha")).status_code == 200
    assert (await city.post(api_key="bêta")).status_code == 200
    answer = await city.http("POST", f"{V2}/requests.json?api_key=alpha", urlencode(LAMP).encode(), Content_Type=FORM)
    assert answer.status_code == 200
    assert len(requests_of(await city.get("requests.xml"))) == 3


async def test_another_jurisdiction_is_not_found() -> None:
    """Left out or empty it is the city itself; further names are a setting."""
    city = City(given={"open311_jurisdictions": "city.example, other.example"})
    for known in ("", "yucheng", "YuCheng", "city.example", "other.example"):
        assert (await city.get("services.json", jurisdiction_id=known)).status_code == 200
        assert (await city.post(jurisdiction_id=known)).status_code == 200
    for path in ("services.json", "services/0113.xml", "requests.json", "tokens/x.xml", "discovery.json"):
        wrong_of(await city.get(path, jurisdiction_id="sfgov.org"), 404)
    wrong_of(await city.post("xml", jurisdiction_id="sfgov.org"), 404)


@pytest.mark.parametrize("path", ["/open311/discovery.", "/open311/v2/discovery."])
async def test_the_discovery_says_where_the_service_is(path: str) -> None:
    """As the request called it, or as the setting says."""
    found = [Discovery.model_validate(plain((await City().http("GET", path + fmt)).content)) for fmt in ("json", "xml")]
    assert found[0] == found[1]
    (endpoint,) = found[0].endpoints
    assert (endpoint.url, endpoint.formats) == ("http://intake/open311/v2", ["text/xml", "application/json"])
    assert endpoint.specification == "http://wiki.open311.org/GeoReport_v2"
    set_so = City(given={"intake_url": "https://city.example/311/", "open311_contact": "desk@city.example"})
    said = (await set_so.http("GET", path + "json")).json()
    assert (said["endpoints"][0]["url"], said["contact"]) == (
        "https://city.example/311/open311/v2",
        "desk@city.example",
    )


BAD_FORMS: list[tuple[dict[str, Any], int, str]] = [
    ({"service_code": ""}, 400, "service_code"),
    ({"service_code": "nope"}, 404, "service_code"),
    ({"lat": "", "long": ""}, 400, "address_string"),
    ({"lat": ""}, 400, "lat"),
    ({"lat": "thirty"}, 400, "lat"),
    ({"long": "nan"}, 400, "long"),
    ({"long": "1e999"}, 400, "long"),
    ({"lat": "91"}, 400, "lat"),
    ({"lat": "48.85", "long": "2.35"}, 400, "long"),
    ({"lat": "", "long": "", "address_id": "nowhere"}, 400, "address_id"),
    ({"address_string": "长" * 501}, 400, "address_string"),
    ({"description": "长" * 4001}, 400, "description"),
    ({"description": "a\0b"}, 400, "NUL"),
    ({"attribute[condition]": "nope"}, 400, "broken"),
    ({"attribute[condition][]": ["broken", "cracked"]}, 400, "condition"),
    ({"attribute[]": "x"}, 400, "attribute"),
    ({"attribute[a][b]": "x"}, 400, "attribute"),
    ({f"attribute[a{n}]": "x" for n in range(60)}, 400, "attribute"),
    ({f"attribute[a{n}]": "x" for n in range(10_000)}, 400, "200"),
    ({"attribute[a]": "x" * 30_000}, 400, "attribute"),
    ({"first_name": "x" * 101}, 400, "first_name"),
    ({"phone": "0" * 41}, 400, "phone"),
    ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
    ({"media_url": "https://a b"}, 400, "media_url"),
    ({"media_url": [f"https://a.example/{n}" for n in range(21)]}, 400, "media_url"),
]


@pytest.mark.parametrize(("form", "status", "about"), BAD_FORMS, ids=[str(bad[0])[:40] for bad in BAD_FORMS])
async def test_a_bad_form_is_told_what_to_change_and_nothing_is_taken(
    form: dict[str, Any], status: int, about: str
) -> None:
    """In both formats, with the name of the parameter."""
    city = City()
    for fmt in ("json", "xml"):
        errors = wrong_of(await city.post(fmt, **form), status)
        assert about in " ".join(error.description for error in errors)
    assert city.store.documents == {}


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><request>&c;</request>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><request>&x;</request>'
BAD_BODIES: list[tuple[str, bytes, int]] = [
    ("text/xml", BOMB, 415),
    ("application/xml", OUTSIDE, 415),
    ("application/json", b'{"service_code": "0113"}', 415),
    ("multipart/form-data; boundary=x", b"--x--", 400),
    ("multipart/form-data", b"--x--", 400),
    ("multipart/form-data; boundary=x; charset=nope", b"\xff\xfe", 400),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", 400),
    (FORM, BOMB, 400),
    (FORM, OUTSIDE, 400),
    (FORM, b"", 400),
    (FORM, b"service_code=0113&description=%ff", 400),
    (FORM, b"service_code=0113&description=%ed%a0%80", 400),
    (FORM, b"service_code=0113&description=\xff\xfe", 400),
    (FORM, b"service_code=0113&description=%00", 400),
    (FORM, b"&=&&==&%%%=;;[]", 400),
    (FORM, b"description=" + b"x" * 1_100_000, 413),
]


@pytest.mark.parametrize(("kind", "body", "status"), BAD_BODIES)
@pytest.mark.parametrize("fmt", ["json", "xml"])
async def test_a_body_that_is_no_form_is_refused_unread(kind: str, body: bytes, status: int, fmt: str) -> None:
    """XML above all: no entity is ever expanded."""
    city = City()
    wrong_of(await city.http("POST", f"{V2}/requests.{fmt}", body, Content_Type=kind), status)
    assert city.store.documents == {}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("status=half-open", 400),
        ("start_date=yesterday", 400),
        ("start_date=0001-01-01T00:00:00%2B08:00", 400),
        ("end_date=9999-12-31T23:59:59-12:00", 400),
        ("start_date=2026-01-01T00:00:00Z&end_date=2026-04-02T00:00:00Z", 400),
        ("start_date=2026-02-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400),
        ("page=0", 400),
        ("page=-1", 400),
        ("page=%D9%A3", 400),
        ("page_size=ten", 400),
        ("page=99999999", 400),
        ("service_code=%00", 400),
        ("service_code=%ff", 400),
        ("service_request_id=" + ",".join(["0000000000000000"] * 1001), 400),
        ("&".join(["a=b"] * 1000), 400),
        ("q=" + "x" * 60_000, 414),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_bad_search_is_told_what_to_change(query: str, status: int) -> None:
    """Never a 5xx, in both formats."""
    city = City()
    for fmt in ("json", "xml"):
        wrong_of(await city.http("GET", f"{V2}/requests.{fmt}?{query}"), status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open311/v2/nothing.json", 404),
        ("GET", "/open311/v2/nothing", 404),
        ("GET", "/open311/", 404),
        ("GET", "/open311/v2/services.yaml", 404),
        ("GET", "/open311/v2/services", 404),
        ("GET", "/open311/v2/requests/%00.json", 404),
        ("GET", "/open311/v2/requests/0000000000000000.xml", 404),
        ("GET", "/open311/v2/requests/..%2f..%2fetc%2fpasswd.xml", 404),
        ("GET", "/open311/v2/tokens/%ff%fe.json", 404),
        ("DELETE", "/open311/v2/requests.json", 405),
        ("POST", "/open311/v2/services.xml", 405),
        ("PUT", "/open311/v2/requests/0000000000000000.xml", 405),
    ],
)
async def test_what_is_not_there_is_said_in_the_format_of_the_specification(
    method: str, path: str, status: int
) -> None:
    """XML unless JSON was asked for."""
    answer = await City().http(method, path)
    wrong_of(answer, status)
    assert status != 405 or answer.headers["allow"] == ("GET, POST" if path.endswith("/requests.json") else "GET")


async def test_what_is_away_is_said_in_the_format_of_the_specification() -> None:
    """With how long to wait, and nothing is half-taken."""
    city = City()
    city.store.away = True
    for answer in (await city.post("xml"), await city.get("requests.json"), await city.get("tokens/x.xml")):
        wrong_of(answer, HTTPStatus.SERVICE_UNAVAILABLE)
        assert answer.headers["retry-after"] == "5"
    city.store.away = False
    assert city.store.documents == {}


async def test_while_kafka_is_away_requests_are_taken_and_shown() -> None:
    """The store is enough."""
    city = City()
    city.paper.away = True
    ident = await city.taken()
    assert await city.listed() == [ident]


async def test_texts_are_shown_as_text() -> None:
    """HTML is escaped in XML and plain in JSON; what XML cannot hold is left out."""
    city = City()
    text = "<script>alert(1)</script> & \x08\x0b\uffff ]]> &lt; \U0001f4a1"
    ident = await city.taken(description=text, address_string="<b>路</b>")
    answer = await city.get(f"requests/{ident}.xml")
    assert b"<script>" not in answer.content
    (shown,) = requests_of(answer)
    assert shown.description == "<script>alert(1)</script> &  ]]> &lt; \U0001f4a1"
    plainly = await city.get(f"requests/{ident}.json")
    assert plainly.json()[0]["description"] == text
    assert plainly.headers["x-content-type-options"] == "nosniff"
    assert plainly.headers["access-control-allow-origin"] == "*"


async def test_other_paths_keep_their_problems() -> None:
    """Only /open311/ speaks as GeoReport does."""
    answer = await City().http("GET", "/v1/reports/nothing")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_openapi_document_names_every_call() -> None:
    """With the statuses that there are."""
    paths = (await City().http("GET", "/openapi.json")).json()["paths"]
    calls = {path: set(item) for path, item in paths.items() if path.startswith("/open311/")}
    assert calls == {
        "/open311/v2/services.{fmt}": {"get"},
        "/open311/v2/services/{service_code}.{fmt}": {"get"},
        "/open311/v2/requests.{fmt}": {"get", "post"},
        "/open311/v2/requests/{service_request_id}.{fmt}": {"get"},
        "/open311/v2/tokens/{token}.{fmt}": {"get"},
        "/open311/v2/discovery.{fmt}": {"get"},
        "/open311/discovery.{fmt}": {"get"},
    }


NAMES = st.sampled_from(
    ["service_code", "lat", "long", "status", "page", "page_size", "start_date", "end_date", "service_request_id"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES | st.text(max_size=20), st.text(max_size=40)), max_size=6), st.binary(max_size=80))
async def test_no_parameters_and_no_bytes_give_a_5xx(pairs: list[tuple[str, str]], body: bytes) -> None:
    """Whatever comes, there is an answer that a client can read."""
    city = City()
    query = urlencode(pairs, errors="surrogatepass")
    answers = [
        await city.http("GET", f"{V2}/requests.json?{query}"),
        await city.http("POST", f"{V2}/requests.xml?{query}", body, Content_Type=FORM),
        await city.http("POST", f"{V2}/requests.json", urlencode(LAMP | dict(pairs), errors="surrogatepass").encode()),
    ]
    for answer in answers:
        assert answer.status_code < 500
        plain(answer.content)


def issued(ticket: str) -> Fact:
    """Give an order to the department for roads, due in five days."""
    changes = {
        "order_id": f"{ticket}-1",
        "role": "lead",
        "handler": Handler(kind="department", id="shizheng").model_dump(),
        "issued_at": (NOON + timedelta(hours=1)).isoformat(),
        "handle_by": (NOON + timedelta(days=5)).isoformat(),
    }
    fact: Fact = golden("order-issued", **changes)
    return fact


def test_a_shown_request_needs_no_more_than_the_specification_asks() -> None:
    """The models that read our answers are those that read other cities'."""
    required = {name for name, one in ServiceRequest.model_fields.items() if one.is_required()}
    assert required == {"service_request_id", "status", "service_code", "requested_datetime"}
