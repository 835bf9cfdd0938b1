"""What has a campaign found, and how do people see it?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from tests.bench.load import at_share
from tests.campaign.plan import STEP

if TYPE_CHECKING:
    from deploy.cli.audit import Audited
    from tests.campaign.instances import Watch
    from tests.campaign.verdict import Said, Verdict

LISTED: Final = 20
RIGHT, WRONG, FAULT = 0, 1, 2
"""Exit codes: nothing is wrong, something is, the campaign itself went wrong and says nothing."""
console = Console()


@dataclass(frozen=True, slots=True)
class Options:
    """How much, how long, and with how many."""

    timers: int = 20_000
    kills: int = 50
    instances: int = 1
    seed: int = 1
    spread_s: float = 0.0
    """Seconds over which the orders are spread; 0: eight for each kill, and ten at the least."""
    step_s: float = 20.0
    """Seconds of a step of the ladder: the clock runs so much faster that a minute takes so long."""
    quiet_s: float = 20.0
    """Nothing more is coming after so many seconds without a fact, once all is due and everybody works."""
    sabotage: bool = False
    """Take one timer out of MongoDB: the campaign must find it."""

    @property
    def seconds(self) -> float:
        """Give over how many seconds orders are spread."""
        return self.spread_s or max(10.0, 8.0 * self.kills)

    @property
    def speed(self) -> float:
        """Give how much faster than the world the clock runs."""
        return STEP.total_seconds() / self.step_s

    def virtual(self, seconds: float) -> timedelta:
        """Give what passes on the campaign's clock in some seconds of the world."""
        return timedelta(seconds=seconds) * self.speed


@dataclass(frozen=True, slots=True)
class Result:
    """What a campaign has found."""

    options: Options
    verdict: Verdict
    audited: Audited
    said: Said
    watch: Watch
    outage_s: float
    """The longest time in which nobody worked on a partition while a timer of it was overdue."""
    drain_s: float
    """What a timer may be late besides the time in which nobody worked."""
    killed: list[bool]
    """For each kill: whether it hit an instance that was ready."""
    left_out: set[str]
    sabotaged: str
    observed: str
    """What the histogram of lateness has counted since the last kill."""
    untrue: list[str]
    """What the metrics did not tell as the log does."""

    @property
    def code(self) -> int:
        """Give the exit code."""
        wrong = self.audited.findings or self.untrue or self.too_late
        return RIGHT if self.verdict.right and not wrong else WRONG

    @property
    def too_late(self) -> int:
        """Give how many timers were late by more than the outages explain."""
        return sum(late > self.drain_s for late in self.lates()["late, without the outages"])

    def lates(self) -> dict[str, list[float]]:
        """Give by how many seconds of the world warnings and breaches were late, the least first."""
        found: dict[str, list[float]] = {
            "late, all": [],
            "late, due while one worked": [],
            "late, and none was killed": [],
            "late, without the outages": [],
        }
        everything, working, calm, without = found.values()
        for each in self.said.firings:
            due, published = self.said.world(each.due), self.said.world(each.published)
            late = (published - due).total_seconds()
            everything.append(late)
            without.append(late - self.watch.idle_s(each.partition, due, published))
            if self.watch.served(each.partition, due, due):
                working.append(late)
            if self.watch.served(each.partition, due, published):
                calm.append(late)
        return {name: sorted(values) for name, values in found.items()}


def table(result: Result) -> Table:
    """Give the result for people."""
    options, verdict, watch = result.options, result.verdict, result.watch
    kinds = Counter(finding.kind for finding in result.audited.findings)
    working, gap = sum(result.killed), result.outage_s
    shown = Table("the campaign", "", title=f"{options.timers} timers, {options.kills} kills, seed {options.seed}")
    rows = {
        "orders, armed by sla": f"{options.timers}, {result.said.armed}",
        "left out: fed too late": len(result.left_out),
        "kills (SIGKILL)": f"{len(result.killed)}: {working} at work, {len(result.killed) - working} starting",
        "restarts": sum(each.starts - 1 for each in watch.instances),
        "from start to work": _spread(watch.starting()),
        "partitions that moved": f"{watch.moves}, {options.instances} instances",
        **{
            kind: f"{verdict.expected[kind]} expected, {verdict.said[kind]} said"
            for kind in sorted(verdict.expected | verdict.said)
        },
        **{name: len(found) for name, found in verdict.wrong.items()},
        "gaps, doubled facts on the log": f"{kinds['gap']}, {kinds['doubled']}",
        "findings of the auditor": ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or 0,
        "published again, same id": result.said.again,
        "bound for the auditor": f"{gap + result.drain_s:.1f} s: for {gap:.1f} s nobody worked while one was overdue, "
        f"{result.drain_s:g} s for what had gathered",
        "nobody worked on a partition": f"{watch.longest_gap():.1f} s at the longest",
        **{name: _spread(late) for name, late in result.lates().items()},
        f"of these over {result.drain_s:g} s": result.too_late,
        "timers_overdue": f"looked at {len(watch.gauges)} times",
        "timer_lateness_seconds": result.observed,
        "metrics that were untrue": len(result.untrue),
    }
    for name, value in rows.items():
        shown.add_row(name, str(value))
    return shown


def _spread(seconds: list[float]) -> str:
    """Give a distribution of seconds in a line."""
    if not seconds:
        return "none"
    shares = ", ".join(f"p{share * 100:g} {at_share(seconds, share):.2f}" for share in (0.5, 0.9, 0.99))
    return f"{len(seconds)}: {shares}, most {seconds[-1]:.2f} s"


def show(result: Result) -> None:
    """Print the table, and what is wrong."""
    console.print(table(result))
    lines = [*result.untrue]
    lines += [f"{name}: {each.what}" for name, found in result.verdict.wrong.items() for each in found]
    lines += [f"auditor: {each.ticket} {each.kind}: {each.what}" for each in result.audited.findings]
    for line in lines[:LISTED]:
        console.print(f"  {line}", markup=False)
    if len(lines) > LISTED:
        console.print(f"  … and {len(lines) - LISTED} more", markup=False)
    if result.sabotaged:
        console.print(f"The timer of {result.sabotaged} was taken out of MongoDB.", markup=False)
    console.print("Nothing is wrong." if result.code == RIGHT else "Something is wrong.", markup=False)
