"""Does the benchmark run, and has its result every key? How fast it is on a machine full of tests says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.bench.__main__ import table
from tests.bench.run import QUICK, bench

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "lifecycles_per_s", "null_pipeline_per_s", "ratio", "report_to_dispatch_ms", "timers", "rebuild_events_per_s",
    "work_list_ms", "deadline_us", "cpu_ms_per_lifecycle", "machine", "versions", "profile", "commit", "verified",
}  # fmt: skip
TINY = replace(QUICK, warm_up_s=1, measure_s=4, in_flight=60, rate=10, open_s=2, timers=100, list_asks=6)


@pytest.mark.timeout(400)
async def test_a_tiny_run_measures_everything(tmp_path: Path) -> None:
    """Every ticket is closed exactly once, and the null pipeline is as long and as heavy as the real one."""
    result = await bench(tmp_path, TINY)
    assert result.keys() >= KEYS
    assert result["verified"]["ok"]
    assert result["lifecycles_per_s"] > 0
    assert result["report_to_dispatch_ms"]["missing"] == 0
    assert result["timers"]["breached"] == TINY.timers
    null, real = result["null_pipeline"], result["verified"]
    assert null["records_per_lifecycle"] == pytest.approx(real["records_per_lifecycle"], rel=0.02)
    assert null["bytes_per_lifecycle"] == pytest.approx(real["bytes_per_lifecycle"], rel=0.03)
    assert result["rebuild_events_per_s"], result.get("rebuild_error")
    assert table(result).row_count > len(KEYS)
