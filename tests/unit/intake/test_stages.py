"""What does the person who asked see of a ticket that goes through stages?"""

from __future__ import annotations

from typing import Any

from shared.messages import TicketClosed
from tests.unit.intake.test_tracking import Person, issued, receipt


def staged(number: int) -> Any:
    """Give the order of a stage of two."""
    name = {"zh": "公示" if number == 1 else "施工", "en": "publicity" if number == 1 else "building"}
    return issued(number, stage={"number": number, "of": 2, "id": f"s{number}", "name": name})


def test_each_stage_is_told_and_only_the_last_has_a_date() -> None:
    """Nobody can say by when it is done before."""
    person = Person()
    _, _, kind, body = receipt(person.read(staged(1)))
    assert kind.endswith("progressed.v1")
    assert "进入第1/2(公示)步" in body.detail
    assert "step 1 of 2 (publicity)" in body.detail
    assert person.sees().by_when is None
    person.read(staged(2))
    assert person.sees().by_when is not None
    assert person.lines()[-2].startswith("It has come to step 1 of 2 (publicity), with ")
    assert person.lines()[-1].startswith("It has come to step 2 of 2 (building), with ")


def test_what_could_not_be_settled_and_is_the_courts_is_told_with_its_sentence() -> None:
    """Nothing had diverted it before; no number is shown."""
    person = Person()
    person.read(staged(1))
    said = "调解未成，可向法院起诉。 The court. 双方 13812345678 未达成协议"
    _, _, kind, body = receipt(person.read(TicketClosed(outcome="diverted", result=said)))
    assert (kind.endswith("closed.v1"), body.outcome) == (True, "diverted")
    assert "法院" in body.result
    assert "13812345678" not in body.result
    assert person.sees().state == "diverted"
    assert "The court." in person.lines()[-1]
