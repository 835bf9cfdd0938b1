"""Does the campaign of kills find a timer that is lost? In a file of its own, so that another process runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.report import WRONG, Options
from tests.campaign.timers import Campaign
from tests.campaign.verdict import MISSED


@pytest.mark.timeout(200)
async def test_a_timer_that_is_lost_is_found(tmp_path: Path) -> None:
    """One is taken out of MongoDB: stories and auditor miss what it had to lead to."""
    options = Options(timers=30, kills=1, seed=1, spread_s=2, step_s=2, quiet_s=4, sabotage=True)
    result = await Campaign(tmp_path, options).run()
    assert {wrong.ticket for wrong in result.verdict.wrong[MISSED]} == {result.sabotaged}
    assert {(found.ticket, found.kind) for found in result.audited.findings} == {(result.sabotaged, "timer-missed")}
    assert result.code == WRONG
