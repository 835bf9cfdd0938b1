"""What is known of a person of whom particular care is taken (五包一)? Nowhere more than a helper and a community."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.names import Names
from services.desk.store import searchable
from services.desk.views import ticket_view, timeline_view
from services.dispatch.handlers import decider as dispatch
from services.intake.domain import masked_json, published
from services.triage.handlers import decider as triage
from shared.messages import AmendTicket, TicketAmended, TicketReported, TicketTriaged, TriageTicket
from shared.profile import Profile, ProfileInvalid, parse_profile
from tests.support.fold import MORNING, TICKET, Folded
from tests.unit.desk.lives import Life
from tests.unit.intake.counter import NOON, Counter, as_json, body_of, record
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.envelope import Outgoing

CARE = """
care:
  kinds:
    - {id: released, zh: 刑满释放人员, en: Released from prison}
    - {id: illness, zh: 严重精神障碍患者, en: With a grave mental illness}
  at_least: I
  team: [worker, officer, duty]
"""
CITY = parse_profile(SMALL + CARE, "care.yaml")
GRID, COMMUNITY, EAST = "100000001001001", "100000001001", "100000001"
SECRETS = (
    "illness",
    "精神",
    "东新村",
    "3栋",
    "老王",
    "13812345678",
    "****5678",
    "夜里",
    "附件",
    GRID,
    "103.5",
    "30.15",
)
REPORT = {
    "text": "老王夜里打人",
    "category": "0501",
    "condition": "leak",
    "source_reference": "HL-9",
    "place": {"address": "东新村3栋", "grid": GRID, "lon": 100.15, "lat": 30.15},
    "caller": {"name": "王大", "phone": "13812345678", "callback": True},
    "attachments": [{"url": "https://a.example/附件.jpg", "media_type": "image/jpeg"}],
    "attributes": {"care": "illness", "remark": "夜里", "visit": "7K3M9Q2DXW5T8H4B"},
}


def leaks(what: object) -> list[str]:
    """Give the secrets that something says."""
    text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False, default=str)
    return [secret for secret in SECRETS if secret in text]


def said(messages: list[Outgoing]) -> list[str]:
    """Give all that is published, headers included."""
    return [f"{(each.value or b'').decode()} {each.headers}" for each in messages]


async def at_the_counter(city: Profile = CITY, **more: Any) -> tuple[Counter, dict[str, Any]]:
    """Hand the report in over HTTP; gives the counter, and the fact on the log."""
    counter = Counter(profile=city)
    answer = await counter.submit("k1", {"channel": "hotline"} | REPORT | more)
    assert answer.status_code == 201, answer.text
    await counter.spool.step()
    return counter, body_of(counter.paper.sent[0])


async def test_the_log_and_the_receipt_say_nothing_of_the_person() -> None:
    """By either door; the whole stands sealed in intake's own store."""
    counter, fact = await at_the_counter()
    assert fact["place"] == {"grid": COMMUNITY}
    assert fact["attributes"] == {"care": True, "visit": "7K3M9Q2DXW5T8H4B"}
    assert fact["source_reference"] == "HL-9"
    assert [leaks(each) for each in said(counter.paper.sent)] == [[], []]
    (document,) = counter.store.documents.values()
    assert json.loads(counter.personal.unseal(document["sealed"]))["text"] == REPORT["text"]
    assert not leaks({name: str(value) for name, value in document.items() if name != "sealed"})
    by_topic = Counter(profile=CITY)
    outcome = await by_topic.turn(record(as_json(**REPORT)))
    published = by_topic.sent(outcome)
    assert len(published) == 2
    assert [leaks(each) for each in said(published)] == [[], []]
    assert all(document["withheld"] for document in by_topic.store.documents.values())


async def test_what_the_person_says_later_is_withheld_too() -> None:
    """Also when the profile has no such people any more."""
    counter, _ = await at_the_counter()
    (ident,) = counter.store.documents
    token = counter.personal.token(ident)
    for city in (CITY, parse_profile(SMALL, "small.yaml")):
        later = Counter(profile=city, store=counter.store, paper=counter.paper)
        answer = await later.http(
            "POST",
            f"/v1/reports/{ident}/messages?token={token}",
            {"kind": "follow-up", "text": "老王又来了"},
            Idempotency_Key=city.version,
        )
        assert answer.status_code == 202, answer.text
        await later.spool.step()
    assert len(counter.paper.sent) == 4
    assert not any(leaks(each) for each in said(counter.paper.sent))


@pytest.mark.parametrize("kind", ["nonsense", True, None, ["illness"]])
async def test_a_kind_that_the_city_does_not_have_is_refused_without_saying_it(kind: object) -> None:
    """By both doors, with those that there are."""
    body = {"channel": "hotline"} | REPORT | {"attributes": {"care": kind}}
    answer = await Counter(profile=CITY).submit("k1", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/attributes/care"
    assert "released, illness" in answer.text
    assert "nonsense" not in answer.text
    by_topic = Counter(profile=CITY)
    outcome = await by_topic.turn(record(as_json(**(REPORT | {"attributes": {"care": kind}}))))
    (receipt,) = by_topic.sent(outcome)
    assert body_of(receipt)["reason"] == "unknown-care"


async def test_a_city_without_such_people_takes_no_such_report() -> None:
    """Nor one that writes the attribute in another way."""
    for name in ("care", " Care "):
        body = {"channel": "hotline"} | REPORT | {"attributes": {name: "illness"}}
        answer = await Counter(profile=parse_profile(SMALL, "small.yaml")).submit("k1", body)
        assert answer.status_code == 422
        assert "leave it out" in answer.text
    strange = {"channel": "hotline"} | REPORT | {"attributes": {" Care ": "illness"}}
    assert (await Counter(profile=CITY).submit("k1", strange)).status_code == 422


def test_unreadable_records_do_not_say_it_either() -> None:
    """What is shown of a dead letter."""
    assert masked_json({"attributes": {"care": "illness"}}) == {"attributes": {"care": "***"}}


async def test_nobody_reads_it_in_a_public_list() -> None:
    """Whatever the channel."""
    _, fact = await at_the_counter(channel="open311")
    report = TicketReported.model_validate(fact)
    assert published(report, CITY) is None
    assert published(report.model_copy(update={"attributes": {}}), CITY) is not None


async def triaged() -> tuple[Folded[Any], TicketTriaged]:
    """Let triage read what intake said."""
    _, fact = await at_the_counter()
    folded: Folded[Any] = Folded(triage(CITY))
    found = folded.read(TicketReported.model_validate(fact)).facts[-1]
    assert isinstance(found, TicketTriaged)
    return folded, found


async def test_triage_raises_it_and_names_helpers_of_the_community() -> None:
    """For each role of the team whoever is nearest; at the community, since nothing closer is known."""
    _, found = await triaged()
    assert (found.care, found.severity, found.helpers) == (True, "I", ("c1", "d"))
    assert (found.place.grid, found.place.unit) == (None, COMMUNITY)
    assert not leaks(found.model_dump_json())


async def test_nobody_places_it_closer_than_its_community() -> None:
    """Not who triages it by hand, and not who corrects it later."""
    _, fact = await at_the_counter()
    folded: Folded[Any] = Folded(triage(CITY))
    unclear = TicketReported.model_validate(fact).model_copy(update={"category": None})
    folded.read(unclear)
    said = folded.read(TriageTicket(category="0501", condition="leak", unit=GRID, by="Zhou"))
    by_hand = said.facts[-1]
    assert isinstance(by_hand, TicketTriaged)
    assert by_hand.place.unit == COMMUNITY
    _, found = await triaged()
    ordered: Folded[Any] = Folded(dispatch(CITY))
    ordered.read(found)
    corrected = ordered.read(AmendTicket(unit="100000002001", by="Zhou", reason="搬家")).facts[-1]
    assert isinstance(corrected, TicketAmended)
    corrected = ordered.read(AmendTicket(unit=GRID, by="Zhou", reason="看错")).facts[-1]
    assert isinstance(corrected, TicketAmended)
    assert corrected.place.unit == COMMUNITY


async def test_departments_get_an_order_that_says_nothing_of_the_person() -> None:
    """Nor that they could be called."""
    _, found = await triaged()
    said = Folded(dispatch(CITY)).read(found)
    assert [body for _, body in said.effects]
    for body in (*said.facts, *(body for _, body in said.effects)):
        assert not leaks(body.model_dump_json())
        assert not getattr(body, "reachable", False)


async def test_the_desk_shows_helpers_and_no_secret_in_any_view() -> None:
    """Ticket, list and timeline."""
    _, fact = await at_the_counter()
    _, found = await triaged()
    life = Life("care").fact(TicketReported.model_validate(fact)).fact(found)
    ticket, names = life.view(), Names(CITY)
    view = ticket_view(TICKET, ticket, names, MORNING)
    assert [each["id"] for each in view["helpers"]] == ["c1", "d"]
    timeline = timeline_view(TICKET, ticket, names)
    assert "named helpers: 乙 (officer), 甲 (on duty)" in timeline[-1]["sentence"]["en"]
    for shown in (view, timeline, searchable(CITY)(ticket)):
        assert not leaks(shown)


def test_helpers_are_those_who_are_there() -> None:
    """Each role once; nobody is named where the city takes no such care."""
    assert CITY.helpers(GRID, NOON) == ("g1", "c1", "d")
    assert CITY.helpers("100000002", NOON) == ("d",)
    assert parse_profile(SMALL, "small.yaml").helpers(GRID, NOON) == ()
    assert (CITY.coarse(GRID), CITY.coarse(COMMUNITY), CITY.coarse(EAST)) == (COMMUNITY, COMMUNITY, EAST)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("team: [worker, officer, duty]", "team: [nurse]", "unknown role 'nurse'"),
        ("id: illness", "id: released", "kind 'released' is used twice"),
        ("at_least: I", "at_least: V", "at_least"),
        ("  team: [worker, officer, duty]\n", "", "'team' is missing: add it"),
    ],
)
def test_a_wrong_section_is_refused_with_what_to_do(old: str, new: str, why: str) -> None:
    """With its line."""
    with pytest.raises(ProfileInvalid) as invalid:
        parse_profile(SMALL + CARE.replace(old, new), "care.yaml")
    assert why in str(invalid.value)
    assert invalid.value.errors[0].line > SMALL.count("\n")


def test_without_a_community_nothing_could_be_withheld() -> None:
    """The level that is the community of a place must be there, whatever it is called."""
    renamed = SMALL.replace("id: community,", "id: village,").replace("level: community", "level: village")
    with pytest.raises(ProfileInvalid, match="no level is the community of a place"):
        parse_profile(renamed.replace("    community: {I:", "    village: {I:") + CARE, "care.yaml")
