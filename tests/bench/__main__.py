"""`make bench`: measure everything in one run, print a table, write build/bench.json."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.measure import ROOT
from tests.bench.run import QUICK, Options, bench

OUT = ROOT / "build" / "bench.json"


def main(arguments: list[str]) -> int:
    """Run, print, write; gives the exit code: 1 when a ticket was not closed exactly once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run that shows that it works, not how fast it is")
    parser.add_argument("--timers", type=int, help="how many timers are due at one instant (20,000)")
    parser.add_argument("--in-flight", type=int, help="life cycles in flight in the closed loop (1,000)")
    parser.add_argument("--seconds", type=float, help="how long the closed loops are measured (30)")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    changes = {"timers": given.timers, "in_flight": given.in_flight, "measure_s": given.seconds}
    options = replace(QUICK if given.quick else Options(), **{k: v for k, v in changes.items() if v is not None})
    with tempfile.TemporaryDirectory(prefix="gridcall-bench-") as folder:
        result = asyncio.run(bench(Path(folder), options))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    Console().print(table(result))
    Console().print(f"written to {given.out}")
    return 0 if result["verified"]["ok"] else 1


def table(result: dict[str, Any]) -> Table:
    """Give the result for people: each figure with the load that was held and the seconds that were measured."""
    machine, life, null = result["machine"], result["lifecycles"], result["null_pipeline"]
    shown = Table(
        "figure", "value", "under", title=f"{machine['cores']} cores, {machine['memory_gb']} GB, {result['commit']}"
    )
    loop = f"{life['in_flight']} in flight, {life['measured_s']} s"
    each = f"{result['verified']['records_per_lifecycle']} records and {life['document_writes_each']} writes each"
    shown.add_row("life cycles a second", f"{result['lifecycles_per_s']:g}", f"{loop}, {each}")
    shown.add_row(
        "null pipeline a second",
        f"{result['null_pipeline_per_s']:g}",
        f"{loop}, {null['records_per_lifecycle']} records and {null['document_writes_each']} writes each",
    )
    shown.add_row("ratio", f"{result['ratio']:.0%}", "")
    way = result["report_to_dispatch_ms"]
    shown.add_row(
        "report to dispatch",
        f"p50 {way['p50']} ms, p99 {way['p99']} ms",
        f"{way['rate']}/s held for {way['seconds']} s" + "".join(f", not {rate:g}/s" for rate in way["not_held"]),
    )
    timers = result["timers"]
    shown.add_row(
        "timers",
        f"p99 {timers['lateness_p99_s']} s late, drained in {timers['drain_s']} s",
        f"{timers['due_at_once']} due at once",
    )
    shown.add_row("timers armed a second", f"{timers['arm_per_s']:g}", "sla alone")
    deadline = result["deadline_us"]
    shown.add_row(
        "deadline",
        f"{deadline['month']:g} µs within a month, {deadline['year']:g} µs a year long",
        f"median of {deadline['deadlines']}, office hours with holidays; {deadline['paused']:g} µs with three pauses",
    )
    shown.add_row("rebuild", f"{result['rebuild_events_per_s']} events a second", "")
    lists = result["work_list_ms"]
    shown.add_row("work list", f"p50 {lists['p50']} ms, p99 {lists['p99']} ms", f"{lists['tickets']} tickets")
    for name, ms in result["cpu_ms_per_lifecycle"].items():
        memory = f"{result['rss_mb']['idle'].get(name, '')} → {result['rss_mb']['load'].get(name, '')} MB"
        shown.add_row(f"  {name}", f"{ms:g} ms CPU each", memory)
    verified = result["verified"]
    shown.add_row(
        "closed exactly once", f"{verified['closed_exactly_once']} of {verified['sent']}", "read from the log"
    )
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
