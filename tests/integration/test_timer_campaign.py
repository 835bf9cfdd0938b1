"""Does sla keep its timers when it is killed again and again?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.report import RIGHT, Options, table
from tests.campaign.timers import Campaign


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
