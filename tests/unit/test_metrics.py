"""Is there every metric of the contract, with its labels, and do the gauges of the city tell what they say?"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY

from deploy.docs import metric_table
from services.sla.app import _measure_the_city
from shared.profile import find_profile, load_profile, parse_profile
from tests.unit.profile.small import SMALL

CONTRACT = """
records_total{service,type,outcome} batch_seconds batch_records consumer_lag_records{service,partition}
outbox_age_seconds tickets_total{event} tickets_open{state,level} report_to_dispatch_seconds
order_sign_seconds{department} order_handle_seconds{department} escalations_total{level,cause}
timers_armed timers_overdue timer_lateness_seconds
timer_audit_findings deadline_total{clock,outcome} dead_letters_total{service,reason} parked_tickets
sequence_gaps_total duplicates_total refusals_total{command,reason} rate_ratio{rate} build_info
"""
NOVEMBER = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("promised", CONTRACT.split())
def test_a_metric_that_others_ask_for(promised: str) -> None:
    """Under its name, and with at least the labels that were promised."""
    name, _, labels = promised.partition("{")
    table = dict(re.findall(r"\| `gridcall_(\w+)` \| \w+ \| ([\w, ]*) \|", metric_table()))
    assert name in table
    assert set(filter(None, labels.rstrip("}").split(","))) <= set(table[name].split(", "))


def gauge(name: str, **labels: str) -> float | None:
    """Give a gauge as it is scraped."""
    return REGISTRY.get_sample_value(f"gridcall_{name}", labels)


def test_a_level_without_anybody_is_told() -> None:
    """Away is not there; a day later they are back."""
    away = "away: [{from: 2026-11-22, to: 2026-11-22}]"
    profile = parse_profile(SMALL.replace("role: officer}", f"role: officer, {away}}}"), "small.yaml")
    _measure_the_city(profile, NOVEMBER)
    assert (gauge("level_staff", level="community"), gauge("level_staff", level="district")) == (0, 1)
    _measure_the_city(profile, NOVEMBER.replace(day=23))
    assert gauge("level_staff", level="community") == 1


def test_a_calendar_counts_the_days_that_are_settled() -> None:
    """The holidays of 2026 are published, those of 2027 are not."""
    _measure_the_city(load_profile(find_profile("yucheng")), NOVEMBER)
    assert gauge("calendar_days_left", calendar="office") == 39
