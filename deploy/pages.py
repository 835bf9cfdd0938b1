"""What does each bundled profile show? Its page, and the table of mechanisms, made of the profile itself."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from shared.profile import load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.profile import Profile
    from shared.profile.model import Stage

FOLDER: Final = Path(__file__).parent / "profiles"
DATA: Final = Path(__file__).parent / "mechanisms.yaml"
OF: Final = {"yucheng": "YC", "longquanyi": "LQ", "leshan": "LS", "chengdu": "CD", "longgang": "LG"}
"""Profile -> the rows of mechanisms that it shows."""
MADE: Final = "<!-- Made by `python -m deploy.docs`: change the profile, not this page. -->"


def mechanisms() -> list[dict[str, str]]:
    """Give every row of the districts' mechanisms, and how far gridcall has it."""
    rows: list[dict[str, str]] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return rows


def files() -> dict[Path, str]:
    """Give every page as it must be."""
    names = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    pages = {FOLDER / f"{name}.md": _page(load_profile(FOLDER / f"{name}.yaml")) for name in names}
    return {**pages, FOLDER / "mechanisms.md": _table_of_all()}


# ---------------------------------------------------------------- the table


def _table_of_all() -> str:
    rows = mechanisms()
    counts = ", ".join(f"{sum(row['state'] == state for row in rows)} {state}" for state in STATES)
    pages = ", ".join(f"[{name}]({name}.md)" for name in OF)
    lines = [
        MADE,
        "# The mechanisms of the five districts",
        "",
        f"{len(rows)} rows: {counts}. What works has a test that shows it; {pages} say where in the profile it stands.",
        "",
        "| id | mechanism | state | test | note |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['id']} | {row['zh']} | {row['state']} | {_code(row.get('test', ''))} | {row.get('note', '')} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


STATES: Final = ("works", "data only", "not yet")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


# ---------------------------------------------------------------- a page


def _page(profile: Profile) -> str:
    loop, name = profile.loop, profile.name
    words = loop.words
    parts = [
        MADE,
        f"# {profile.title.zh} · {profile.title.en}",
        "" if words is None else f"**{words.zh}** · {words.en}",
        _head(name),
        "## The ladder",
        _ladder(profile),
        "\n".join(f"- {line}" for line in _said(profile)),
        "## To start it",
        f"`make run PROFILE={name}` starts everything and plays its day.",
        *_day(name),
        *_shown(name),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(name: str) -> str:
    """Give what the profile's file says first: whose it is, what in it is real and what is made up."""
    lines: list[str] = []
    for line in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return "\n".join(lines).strip()


def _ladder(profile: Profile) -> str:
    """Draw the levels, lowest first, with who is asked before, who decides rounds, who adjudicates."""
    loop, levels = profile.loop, profile.levels
    units = {level.id: [unit for unit in profile.units if unit.level == level.id] for level in levels}
    draw = ["```mermaid", "flowchart BT"]
    for level in levels:
        here = units[level.id]
        staffed = sum(bool(unit.staff) for unit in here)
        draw.append(f'  {_node(level.id)}["{level.zh} {level.en}<br/>{len(here)} units, {staffed} with staff"]')
    ids = [level.id for level in levels]
    top = ids.index(profile.ladder.top)
    for nth, (low, high) in enumerate(pairwise(levels)):
        if nth < top:
            step = profile.content.ladder.steps[low.id]
            draw.append(f'  {_node(low.id)} -- "IV: {step["IV"]}<br/>II: {step["II"]}" --> {_node(high.id)}')
    for kind in dict.fromkeys(row.body for row in loop.settlement):
        bodies = [body for body in profile.content.bodies if body.kind == kind]
        draw.append(f'  b_{_node(kind)}(["{bodies[0].zh} … {kind}<br/>{len(bodies)} of them settle first"])')
        at = dict.fromkeys(profile.chain(body.unit)[0].level for body in bodies)
        draw += [f"  b_{_node(kind)} -. 呼叫 calls .-> {_node(each)}" for each in at]
    if loop.rounds is not None:
        times = ", ".join(f"{at:%H:%M}" for at in loop.rounds.at)
        draw.append(f'  rounds{{{{"集中派单 rounds {times}"}}}} --- {_node(loop.rounds.desk)}')
    draw.append(f'  returns{{{{"退单裁定 adjudicates"}}}} --- {_node(profile.returns.duty_level)}')
    return "\n".join([*draw, "```"])


def _node(name: str) -> str:
    return "n_" + name.replace("-", "_").replace(".", "_")


def _said(profile: Profile) -> Iterator[str]:
    """Say in a line each what is the city's own."""
    content, loop = profile.content, profile.loop
    level = {each.id: f"{each.zh} {each.en}" for each in profile.levels}
    yield f"{len(profile.units)} units, {len(profile.departments)} departments, {len(profile.categories)} categories."
    for small in loop.small:
        asked = " → ".join(level[each] for each in small.levels)
        yield f"Small matters ({', '.join(small.categories)}): {asked}, {small.limit or 'as long as the lead'} each."
    for big in loop.big:
        yield f"Big matters ({', '.join(big.categories)}): {len(big.network)} more assist."
    for row in loop.settlement:
        yield f"Residents first ({', '.join(row.categories)}): {row.body}, {row.limit}."
    for project in loop.stages:
        steps = " → ".join(f"{each.zh} {each.en}{_takes(each)}" for each in project.stages)
        yield f"分步 Stages ({', '.join(project.categories)}): {steps}."
    for each in loop.situations:
        by = ", ".join(level[one] for one in each.by)
        waves = " → ".join(str(len(wave)) for wave in each.waves)
        yield f"吹哨 {each.zh} {each.en}: by {by}; calls {waves}; to arrive within {each.arrive}."
    if profile.roads:
        chiefs = " ".join(level[one] for one in profile.roads[0].chiefs)
        yield f"{len(profile.roads)} roads with chiefs ({chiefs}) and {len(profile.roads[0].departments)} departments."
    for schedule in content.schedules:
        yield f"{schedule.zh} {schedule.en}: `{schedule.rule}`."
    for mode in content.modes:
        end = "further notice" if mode.end is None else f"{mode.end:%Y-%m-%d}"
        yield f"{mode.zh} {mode.en}: {mode.begin:%Y-%m-%d} to {end}."
    if content.sponsors:
        yield f"{len(content.sponsors)} sponsors are told with escalations (联包帮, 挂点)."


def _takes(stage: Stage) -> str:
    """Say what a stage takes besides its work."""
    vote = "" if stage.vote is None else f"{stage.vote.threshold} of {stage.vote.of}"
    public = "" if stage.publicity is None else f"public for {stage.publicity}"
    said = ", ".join(each for each in (public, vote, stage.money or "") if each)
    return f" ({said})" if said else ""


def _day(name: str) -> Iterator[str]:
    file = FOLDER / "examples" / f"{name}_day.jsonl"
    if not file.exists():
        return
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    yield "## Its day"
    yield (
        f"{len(rows)} made-up reports ([{file.name}](examples/{file.name})); "
        "`tests/stories` plays them and lets time pass. Among them:"
    )
    yield "\n".join(f"- {row['text']} → {row['_play']['label']}" for row in rows if row.get("_play", {}).get("label"))


def _shown(name: str) -> Iterator[str]:
    prefix = OF.get(name)
    if prefix is None:
        return
    rows = [row for row in mechanisms() if row["id"].startswith(f"{prefix}-")]
    yield "## The mechanisms that it shows"
    yield "\n".join(
        ["| id | mechanism | where | state | note |", "|---|---|---|---|---|", *(_shown_row(row) for row in rows)]
    )


def _shown_row(row: dict[str, Any]) -> str:
    return f"| {row['id']} | {row['zh']} | {row.get('where', '')} | {row['state']} | {row.get('note', '')} |"
