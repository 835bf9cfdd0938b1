"""What does a burst get? As many are let in as can be worked on; the others are told when to come again."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.intake.pressure import MOST_BYTES, MOST_UPLOADS, Pressure
from services.intake.together import Together
from shared.errors import TryLater
from shared.http import Problem
from tests.support.waiting import eventually
from tests.unit.intake.counter import Counter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.store import Report


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        """Hold everything."""
        self.go = asyncio.Event()
        self.inside = 0

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        """Answer 204 once it may."""
        self.inside += 1
        await self.go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    ("path", "size", "let_in"),
    [
        ("/v1/reports", 10, 20),
        ("/v1/attachments", MOST_BYTES, MOST_UPLOADS),
        ("/v1/reports/batch", MOST_BYTES // 4, 4),
        ("/v1/reports/batch", MOST_BYTES * 2, 1),
        ("/health/live", 0, 40),
    ],
)
async def test_of_a_burst_so_many_are_let_in(path: str, size: int, let_in: int) -> None:
    """The others get 429 with Retry-After at once; when it is over everybody is let in again."""
    slow = Slow()
    transport = httpx.ASGITransport(Pressure(slow, most=20))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        headers = {"Content-Length": str(size)}
        asked = [asyncio.create_task(client.post(path, headers=headers)) for _ in range(40)]

        async def all_met() -> bool:
            return slow.inside + sum(task.done() for task in asked) == len(asked)

        await eventually(all_met)
        assert slow.inside == let_in
        slow.go.set()
        answers = await asyncio.gather(*asked)
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 40 - let_in
        assert {int(answer.headers["retry-after"]) for answer in refused} <= {1}
        assert all(answer.json()["detail"] for answer in refused)
        assert (await client.post(path, headers=headers)).status_code == 204


async def test_reports_that_come_while_one_is_written_are_written_together() -> None:
    """The first alone, then all that came meanwhile; a key that came twice is kept once."""
    counter = Counter()
    go, sizes, plain = asyncio.Event(), [], counter.store.insert_each

    async def slow(reports: Sequence[Report]) -> list[bool]:
        sizes.append(len(reports))
        await go.wait()
        return await plain(reports)

    counter.store.insert_each = slow  # type: ignore[method-assign]
    body = {"channel": "app", "text": "x"}
    asked = [asyncio.create_task(counter.submit("first", body))]

    async def writing() -> bool:
        return bool(sizes)

    async def gathered() -> bool:
        return len(counter.desk.together._waiting) == 10

    await eventually(writing)
    asked += [asyncio.create_task(counter.submit(f"k{number % 9}", body)) for number in range(10)]
    await eventually(gathered)
    asked[3].cancel()
    go.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[3], asyncio.CancelledError)
    assert {answer.status_code for answer in answers if isinstance(answer, httpx.Response)} == {201}
    assert sizes == [1, 10]
    assert len(counter.store.documents) == 10


async def test_too_many_on_their_way_into_the_store_are_refused_at_every_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where requests are not counted, and nothing of them is kept."""
    monkeypatch.setattr("services.intake.together.MOST_WAITING", 0)
    counter = Counter()
    answer = await counter.submit("k", {"channel": "app", "text": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    with pytest.raises(Problem):
        await counter.desk.hand_in("k", json.dumps({"channel": "qr", "text": "x"}).encode(), "")
    assert not counter.store.documents


async def test_a_write_that_fails_is_told_to_all_who_wait_for_it_and_the_next_one_is_tried() -> None:
    """Each gets TryLater, and Together works on."""
    counter = Counter()
    together = Together(counter.store)
    asked = counter.desk.asked("k", json.dumps({"channel": "app", "text": "x"}).encode(), "")
    assert not isinstance(asked, Problem)
    counter.store.away = True
    results = await asyncio.gather(*(together.keep([asked.report]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, TryLater) for result in results)
    counter.store.away = False
    assert await together.keep([asked.report, asked.report]) == [True, False]
