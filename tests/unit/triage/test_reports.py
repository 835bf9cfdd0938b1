"""What does triage say to a report by itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.handlers import decider
from shared.messages import CallerRef, Handler, Place, Span, TicketDiverted, TicketTriaged, TriageNeeded
from shared.profile import find_profile, load_profile
from tests.support.fold import MORNING, Folded
from tests.unit.triage.reports import CITY, COMMUNITY, EAST, G1, TOP, WATER, needed, report, triage, triaged

if TYPE_CHECKING:
    from shared.messages import TicketReported
    from shared.profile import Profile

YUCHENG = load_profile(find_profile("yucheng"))
KAOHSIUNG = load_profile(find_profile("kaohsiung"))


def test_a_report_with_category_and_place_is_triaged_with_all_that_an_order_needs() -> None:
    """Nobody has to look anything up again after triage."""
    fact = triaged(triage().read(report()))
    assert (fact.category.code, fact.category.condition, fact.category.name) == ("0501", "leak", "漏水")
    assert fact.category.code_system == "GBT30428.2"
    assert (fact.place.grid, fact.place.community, fact.place.street) == (G1, COMMUNITY, EAST)
    assert (fact.place.unit, fact.place.located_by, fact.place.address) == (G1, "code", "东新村1栋旁")
    assert fact.lead == WATER
    assert fact.severity == "II"
    assert (fact.sign_limit, fact.handle_limit) == (
        Span(amount=30, unit="minutes"),
        Span(amount=1, unit="urgent_hours"),
    )
    assert fact.warn_share == 0.8
    assert (fact.description, fact.callback, fact.attachments[0].url) == ("水管漏水", True, "https://a.example/1.jpg")
    assert (fact.attempt, fact.by, fact.returnable, fact.rule) == (1, "gridcall", True, "routing row 1")
    assert (fact.profile_version, fact.reported_at) == (CITY.version, MORNING)


def test_the_territorial_owner_starts_where_the_severity_says() -> None:
    """Severity II starts at the street of the place, IV at its grid."""
    grave = triaged(triage().read(report()))
    assert (grave.level, grave.unit) == ("street", EAST)
    mild = triaged(triage().read(report(category="0101", condition="building")))
    assert (mild.severity, mild.level, mild.unit) == ("III", "grid", G1)


def test_the_owner_of_a_place_known_only_to_the_street_is_the_street() -> None:
    """A level that the place does not have falls to the next that it has."""
    fact = triaged(triage().read(report(category="0101", condition="building", place=Place(address="东街道某处"))))
    assert (fact.place.grid, fact.level, fact.unit) == (None, "street", EAST)


@pytest.mark.parametrize(
    ("category", "code"), [("0501", "0501"), ("漏水", "0501"), (" leak ", "0501"), ("违建", "0101")]
)
def test_a_category_may_be_called_by_its_code_name_or_alias(category: str, code: str) -> None:
    """The hotline says what it calls it."""
    said = triage().read(report(category=category, condition="building" if code == "0101" else None))
    assert triaged(said).category.code == code


def test_the_lead_follows_from_the_ownership_too() -> None:
    """On private ground the community leads and the water department assists."""
    fact = triaged(triage().read(report(attributes={"ownership": "private"})))
    assert (fact.lead, fact.assists) == (Handler(kind="unit", id=COMMUNITY), (WATER,))


@pytest.mark.parametrize("ownership", [["private"], {"of": "private"}, 7, None, True])
def test_an_ownership_that_is_no_word_counts_for_nothing(ownership: object) -> None:
    """Attributes are free: whatever stands in one, the report is triaged."""
    assert triaged(triage().read(report(attributes={"ownership": ownership}))).lead == WATER


def test_what_the_attributes_say_makes_it_graver() -> None:
    """Somebody is hurt: it is not a III any more."""
    said = triage().read(report(category="0101", condition="building", attributes={"injured": "true"}))
    assert triaged(said).severity == "II"


def test_without_a_category_a_person_of_the_street_must_triage() -> None:
    """The queue is the street's or, where that has no staff as here, of the next above that has."""
    fact = needed(triage().read(report(category=None)))
    assert (fact.missing, fact.unit) == (("category",), TOP)
    assert "类别" in fact.detail.zh
    assert "category" in fact.detail.en


def test_a_street_with_staff_has_its_own_queue() -> None:
    """In Yucheng every street has people."""
    said = Folded(decider(YUCHENG)).read(report(category=None, place=Place(grid="511802001001001")))
    assert needed(said).unit == "511802001"


def test_an_unknown_category_counts_as_missing_and_is_quoted() -> None:
    """What the report said is kept for the person who triages."""
    fact = needed(triage().read(report(category="飞碟")))
    assert fact.missing == ("category",)
    assert "飞碟" in fact.detail.zh
    assert "飞碟" in fact.detail.en


@pytest.mark.parametrize("condition", [None, "nonsense"])
def test_a_category_with_several_conditions_needs_one_of_them(condition: str | None) -> None:
    """The person is told which there are."""
    fact = needed(triage().read(report(category="0101", condition=condition)))
    assert fact.missing == ("condition",)
    assert "building" in fact.detail.en
    assert "已建" in fact.detail.zh
    assert (condition or "building") in fact.detail.en


@pytest.mark.parametrize("place", [Place(), Place(grid="999"), Place(qr="nothing", road="no-road", address="远方")])
def test_a_place_that_nobody_knows_goes_to_the_top_queue(place: Place) -> None:
    """Nothing is guessed."""
    fact = needed(triage().read(report(place=place)))
    assert (fact.missing, fact.unit) == (("place",), TOP)
    for code in (place.grid, place.qr, place.road):
        assert code is None or code in fact.detail.en


def test_everything_that_is_missing_is_said_at_once() -> None:
    """A person fills it in in one go."""
    assert needed(triage().read(report(category=None, place=Place()))).missing == ("category", "place")


def test_an_emergency_is_diverted_with_the_number_to_call() -> None:
    """It comes before everything else: neither category nor place is needed."""
    said = triage().read(report(text="家里起火了", category=None, place=Place()))
    (fact,) = said.facts
    assert isinstance(fact, TicketDiverted)
    assert (fact.diversion, fact.to) == ("emergency", "119")
    assert "119" in fact.detail.zh
    assert "119" in fact.detail.en


def test_a_matter_for_a_court_is_diverted_by_category_and_condition() -> None:
    """The same category in another condition is for the loop."""
    (fact,) = triage().read(report(category="0101", condition="built")).facts
    assert (fact.diversion, fact.to) == ("legal-route", "court")
    assert triaged(triage().read(report(category="0101", condition="building"))).lead == Handler(kind="unit", id=G1)


def test_a_second_report_of_the_same_ticket_changes_nothing() -> None:
    """A ticket is reported once; what comes later are messages."""
    folded = triage()
    folded.read(report())
    assert folded.read(report(text="又来了")).facts == []


def test_the_same_fact_again_is_skipped() -> None:
    """Redelivery is the rule, not the exception."""
    folded = triage()
    fact = report()
    folded.read(fact, sequence=1)
    assert folded.read(fact, sequence=1).facts == []


reports = st.builds(
    report,
    text=st.text(max_size=40) | st.sampled_from(["起火", "漏水", "法院已立案"]),
    category=st.none() | st.text(max_size=8) | st.sampled_from([c.code for c in YUCHENG.categories]),
    condition=st.none() | st.text(max_size=8) | st.sampled_from(["trapped", "leak"]),
    place=st.builds(
        Place,
        grid=st.none() | st.text(max_size=8) | st.sampled_from([unit.id for unit in YUCHENG.units]),
        qr=st.none() | st.text(max_size=8),
        address=st.none() | st.text(max_size=20) | st.just("东大街12号"),
        lon=st.none() | st.floats(-180, 180),
        lat=st.none() | st.floats(-90, 90),
        road=st.none() | st.text(max_size=8),
    ),
    attributes=st.dictionaries(
        st.sampled_from(["ownership", "fire", "injured", "x"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    ),
    caller=st.just(CallerRef(ref="c")),
)


@given(said=reports, city=st.sampled_from([YUCHENG, KAOHSIUNG]))
@settings(deadline=None)  # the first coordinates import shapely
def test_every_report_leads_to_exactly_one_fact_and_to_people_who_exist(said: TicketReported, city: Profile) -> None:
    """Whatever is reported: it is triaged, asked about, or diverted, and lies with somebody who is there."""
    folded = Folded(decider(city))
    (fact,) = folded.read(said).facts
    if isinstance(fact, TicketTriaged):
        assert folded.state().phase == "triaged"
        known = city.department(fact.lead.id) if fact.lead.kind == "department" else city.unit(fact.lead.id)
        assert known is not None
        owner = city.unit(fact.unit)
        assert owner is not None
        assert owner.level == fact.level
        assert owner in city.chain(fact.place.unit)
    elif isinstance(fact, TriageNeeded):
        assert folded.state().phase == "waiting"
        assert fact.missing
        queue = city.unit(fact.unit)
        assert queue is not None
        assert queue.staff
    else:
        assert isinstance(fact, TicketDiverted)
        assert folded.state().phase == "diverted"
        assert fact.detail.zh
