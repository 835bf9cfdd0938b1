"""Who hears in person that a ticket goes up: a sponsor, a road's chief, a stand-in; and what of a merged grid's?"""

from __future__ import annotations

import yaml

from services.desk.names import Names
from services.desk.sentences import sentence
from shared.messages import LevelSkipped, Location, TicketEscalated
from shared.profile import Profile, parse_profile
from tests.unit.profile.small import SMALL
from tests.unit.sla.cities import COMMUNITY, DISTRICT, GRID, away, city
from tests.unit.sla.ladder import Ticket, minutes

SPONSOR = {"unit": COMMUNITY, "staff": {"id": "sponsor", "name": "己", "role": "leader"}}
FORMER = "100000001001009"


def escalated(profile: Profile, **issued: object) -> list[TicketEscalated | LevelSkipped]:
    """Let an order stay unsigned until somebody above is called."""
    ticket = Ticket(profile)
    ticket.issue(**issued)  # type: ignore[arg-type] # fields of the order
    said = ticket.live(minutes(10))
    return [fact for fact in said if isinstance(fact, TicketEscalated | LevelSkipped)]


def test_the_sponsor_of_a_place_is_told_of_every_escalation_and_named_at_the_desk() -> None:
    """联包帮: besides the unit's own people; and the sentence says who it is."""
    profile = city("sponsored", sponsors=[SPONSOR])
    (fact,) = escalated(profile)
    assert isinstance(fact, TicketEscalated)
    assert fact.told == ("c1", "sponsor")
    said = sentence("escalated.v1", fact.model_dump(mode="json"), Names(profile))
    assert "己（leader）" in said.zh
    assert "己 (leader)" in said.en


def test_nobody_elsewhere_has_a_sponsor() -> None:
    """A sponsor is one of a place."""
    elsewhere = city("elsewhere", sponsors=[SPONSOR | {"unit": "100000002"}])
    (fact,) = escalated(elsewhere)
    assert isinstance(fact, TicketEscalated)
    assert fact.told == ("c1",)


def test_the_chief_of_a_road_is_told_at_their_level() -> None:
    """街长 3+8: the chief belongs to the street, which has no people of its own and is called through its chief."""
    content = yaml.safe_load(SMALL)
    chief = {"community": {"id": "r2", "name": "戊", "role": "chief"}}
    content["roads"][0]["chiefs"] |= chief
    profile = city("chiefs", roads=content["roads"])
    (fact,) = escalated(profile, place=Location(unit=GRID, road="long-road"))
    assert isinstance(fact, TicketEscalated)
    assert fact.told == ("c1", "r2")
    (without,) = escalated(profile)
    assert isinstance(without, TicketEscalated)
    assert without.told == ("c1",)


def test_a_level_whose_people_are_away_is_called_through_their_stand_in() -> None:
    """Nobody is skipped whom somebody stands in for."""
    units = away(COMMUNITY)["units"]
    profile = city("skipped", units=units)
    assert isinstance(escalated(profile)[0], LevelSkipped)
    for unit in units:
        for staff in unit.get("staff", ()) if unit["id"] == DISTRICT else ():
            staff["stands_in_for"] = "c1"
    (fact,) = escalated(city("stood-in", units=units))
    assert isinstance(fact, TicketEscalated)
    assert (fact.to_level, fact.unit, fact.told) == ("community", COMMUNITY, ("d",))


def test_a_ticket_of_a_merged_grid_goes_up_as_one_of_the_grid_that_it_became() -> None:
    """YC-14: its order still names the former code."""
    merged = parse_profile(SMALL.replace("    qr: [QR1]\n", f'    qr: [QR1]\n    was: ["{FORMER}"]\n'), "merged")
    (fact,) = escalated(merged, unit=FORMER, place=Location(unit=FORMER))
    assert isinstance(fact, TicketEscalated)
    assert (fact.unit, fact.told) == (COMMUNITY, ("c1",))
