"""The bundled day goes in by the hotline's topic, people act, and it adds up; a second time nothing happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from deploy.cli.audit import audit_log
from deploy.cli.replay import EXAMPLE, play_recording
from deploy.replay.formats import read_recording
from deploy.replay.play import Pace
from shared.clock import RealClock
from shared.profile import find_profile, load_profile
from shared.topics import TICKETS
from tests.support.city import City

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.replay.reconcile import Reconciliation


@pytest.mark.timeout(300)
async def test_the_example_day(tmp_path: Path) -> None:
    """Returns, rework, a call-back, diversions, a refusal, a repeat and a person's triage, all as scripted."""
    async with City(tmp_path, as_shipped=True) as city:
        first = await asyncio.to_thread(play, city)
        assert first.adds_up, first.as_dict()
        log = len(await city.read(TICKETS))
        again = await asyncio.to_thread(play, city)
        assert again.adds_up, again.as_dict()
        assert len(await city.read(TICKETS)) == log
        audited = await asyncio.to_thread(
            audit_log, city.kafka.address, load_profile(find_profile("yucheng")), RealClock().now()
        )
        assert audited.findings == ()
        visits = [s for s in await city.log() if "schedule" in s.value.get("attributes", {})]  # on some days
        assert audited.counts["tickets"] == 64 + len(visits)


def play(city: City) -> Reconciliation:
    """Replay the day on a city."""
    profile = load_profile(find_profile(city.profile))
    recording = read_recording(EXAMPLE, "auto", profile)
    return play_recording(recording, profile, city.kafka.address, city.url("desk", ""), Pace(), 60.0)
