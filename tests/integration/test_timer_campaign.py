"""Does sla keep its timers when it is killed again and again, and does the campaign find one that is lost?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.report import RIGHT, WRONG, Options, table
from tests.campaign.timers import Campaign
from tests.campaign.verdict import MISSED


@pytest.mark.timeout(200)
async def test_two_instances_are_killed_under_timers_falling_due(tmp_path: Path) -> None:
    """Partitions move between them; every warning, breach and step is said once, and nothing else."""
    options = Options(timers=300, kills=4, instances=2, seed=321, spread_s=6, step_s=2)
    result = await Campaign(tmp_path, options).run()
    assert result.verdict.wrong == {name: [] for name in result.verdict.wrong}
    assert result.audited.findings == ()
    assert result.untrue == []
    assert result.code == RIGHT
    assert len(result.killed) == 4
    assert result.watch.moves > 0
    assert result.said.armed == 300
    assert all(result.verdict.said[kind] for kind in ("warnings", "breaches", "escalations", "calls of the top"))
    assert table(result).row_count > 0


@pytest.mark.timeout(200)
async def test_a_timer_that_is_lost_is_found(tmp_path: Path) -> None:
    """One is taken out of MongoDB: stories and auditor miss what it had to lead to."""
    options = Options(timers=30, kills=1, seed=1, spread_s=2, step_s=2, quiet_s=4, sabotage=True)
    result = await Campaign(tmp_path, options).run()
    assert {wrong.ticket for wrong in result.verdict.wrong[MISSED]} == {result.sabotaged}
    assert {(found.ticket, found.kind) for found in result.audited.findings} == {(result.sabotaged, "timer-missed")}
    assert result.code == WRONG
