"""Which topics are there, who writes them, how many partitions and how long do they last?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

REPORTS = "gridcall.reports"
RECEIPTS = "gridcall.receipts"
TICKETS = "gridcall.tickets"
DEAD_LETTERS = "gridcall.dead-letters"
DISPATCH_PREFIX = "gridcall.dispatch."
UPDATES_PREFIX = "gridcall.updates."

DAY_MS = 24 * 3600 * 1000
FOREVER = -1


def dispatch_topic(department: str) -> str:
    """Give the topic on which a department (its profile's `topic` name) gets its orders."""
    return DISPATCH_PREFIX + department


def updates_topic(department: str) -> str:
    """Give the topic on which a department answers."""
    return UPDATES_PREFIX + department


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it must be on the brokers; `partitions` is what a new topic gets."""

    name: str
    partitions: int
    retention_ms: int
    max_message_bytes: int = 1_048_588
    about: str = ""


def topic_specs(departments: Iterable[str], log_partitions: int, department_partitions: int) -> tuple[TopicSpec, ...]:
    """Give every topic that a deployment needs; the log is kept for ever, since read models come from it."""
    doors = (
        TopicSpec(REPORTS, log_partitions, DAY_MS, about="hotline and apps -> intake; holds personal data for a day"),
        TopicSpec(RECEIPTS, log_partitions, 30 * DAY_MS, about="intake -> hotline and apps"),
        TopicSpec(TICKETS, log_partitions, FOREVER, about="the log"),
        TopicSpec(DEAD_LETTERS, 1, 90 * DAY_MS, 2_097_152, about="what no service could read"),
    )
    own = tuple(
        spec
        for department in departments
        for spec in (
            TopicSpec(dispatch_topic(department), department_partitions, FOREVER, about="orders to the department"),
            TopicSpec(updates_topic(department), department_partitions, 30 * DAY_MS, about="the department's answers"),
        )
    )
    return doors + own
