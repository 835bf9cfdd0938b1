"""Where do the README's tables and the contract come from? The code: `make docs` writes, a test finds stale ones."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

from deploy import asyncapi, pages, schemas, states
from deploy.grafana import panels
from services.desk.indicators import INDICATORS
from shared import metrics
from shared.messages import DESK_COMMANDS, REGISTRY, Body
from shared.settings import PORTS, Settings, documented

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = (README, *(ROOT / "services" / name / "README.md" for name in ("dispatch", "closure")))
"""Documents with parts that are made from the code."""
INDICATOR_PAGE = ROOT / "services" / "desk" / "INDICATORS.md"
INDICATORS_HEAD = """\
# Indicators

How is each figure counted? Made from `indicators.py` by `make docs`.

A period has the tickets that were *closed* in it, or those that were *reported* in it, open ones too. An indicator is
a share (numerator ÷ denominator) or a mean. A ticket belongs to the unit in which its place lies and to every unit
above it; orders, signatures and marks belong to whoever had the order, the rest to the lead. A figure of nothing has
no value. A report that intake accepts has its ticket from then on: `owned` and `answered` say what
became of it.

| name | | numerator | denominator | counted | kind |
|---|---|---|---|---|---|
"""
DOOR_KINDS = {"report": "intake's door", "update": "dispatch's door"}


def sentence(body: type[Body]) -> str:
    """Give the first sentence of a message's docstring, as one table cell."""
    text = inspect.getdoc(body) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def readers() -> dict[str, list[str]]:
    """Give which services act on each wire type of the log."""
    found: dict[str, list[str]] = {}
    for service in PORTS:
        app, settings = import_module(f"services.{service}.app"), import_module(f"services.{service}.settings")
        built = app.build(settings.Settings(profile="yucheng"))
        for decider in built.deciders:
            for name in decider.consumes:
                found.setdefault(name, []).append(service)
        built.mongo.close()
    return found


def what_happens() -> str:
    """Give the table of every message: who says it, what it means, who acts on it."""
    acts = readers()
    spoken = {body.type: name for name, body in DESK_COMMANDS.items()}
    rows = ["| when | said by | it means | then these act |", "|---|---|---|---|"]
    order = {"report": 0, "fact": 1, "command": 2, "update": 3, "order": 4, "answer": 5, "receipt": 6}
    for name, body in sorted(REGISTRY.items(), key=lambda item: (order[item[1].kind], item[1].producer)):
        who = body.producer or "any service"
        if body.kind == "command":
            who = f"desk (`{spoken[name]}`)" if name in spoken else "operator"
            who += f", decided by {body.producer}" if body.producer else ""
        act = [service for service in acts.get(name, []) if service != "desk"]
        then = ", ".join(act) or DOOR_KINDS.get(body.kind, "")
        if body.kind == "receipt":
            then = "the hotline or app"
        elif body.kind in {"order", "answer"}:
            then = "the department" if body.producer == "dispatch" else "operators"
        rows.append(f"| `{name.removeprefix('gridcall.')}` | {who} | {sentence(body)} | {then or 'desk shows it'} |")
    return "\n".join(rows)


def environment() -> str:
    """Give the table of environment variables."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    known = {entry["name"] for entry in documented()}
    rows += [f"| `{entry['name']}` | `{entry['default']}` | {entry['about']} |" for entry in documented()]
    for service in PORTS:
        own: type[Settings] = import_module(f"services.{service}.settings").Settings
        for name, field in own.model_fields.items():
            variable = f"GRIDCALL_{name.upper()}"
            if variable not in known:
                rows.append(f"| `{variable}` | `{field.default}` | {service}: {field.description} |")
    return "\n".join(rows)


def metric_table() -> str:
    """Give the table of gridcall's own metrics."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for value in vars(metrics).values():
        described = getattr(value, "_documentation", None)
        if described is not None:
            name = value._name + ("_total" if value._type == "counter" else "")  # noqa: SLF001 - no public way
            labels = ", ".join(value._labelnames)  # noqa: SLF001
            rows.append(f"| `{name}` | {value._type} | {labels} | {described} |")  # noqa: SLF001
    return "\n".join(rows)


SECTIONS = {
    "messages": what_happens,
    "environment": environment,
    "metrics": metric_table,
    "states of dispatch": states.of_dispatch,
    "states of closure": states.of_closure,
}


def indicators() -> dict[Path, str]:
    """Give the page that defines every indicator, in both languages."""
    rows = "\n".join(
        f"| `{each.name}` | {each.title[0]} · {each.title[1]} | {each.numerator[0]}<br>{each.numerator[1]} "
        f"| {each.denominator[0]}<br>{each.denominator[1]} | {each.counted} | {each.value} |"
        for each in INDICATORS
    )
    return {INDICATOR_PAGE: INDICATORS_HEAD + rows + "\n"}


def rendered(text: str) -> str:
    """Give a text with what stands between its markers made anew."""
    for name, make in SECTIONS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin in text:
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}\n{make()}\n{end}{rest.partition(end)[2]}"
    return text


def contract() -> dict[Path, str]:
    """Give every file that is made from the code as a whole, as it must be: contract, dashboards, profiles' pages."""
    return asyncapi.files() | schemas.files() | panels.files() | pages.files() | indicators()


def left_over() -> set[Path]:
    """Give the schemas of messages that are no longer there."""
    return set(schemas.SCHEMAS.iterdir()) - set(schemas.files())


def main() -> None:
    """Write every generated document."""
    for file, text in contract().items():
        file.write_text(text, encoding="utf-8")
    for file in left_over():
        file.unlink()
    for file in DOCUMENTS:
        file.write_text(rendered(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
