"""How does a list of panels become what Grafana loads? `make docs` writes dashboards/, a test finds stale ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

FOLDER: Final = Path(__file__).parent / "dashboards"
DATASOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
WIDTH: Final = 24
HEIGHTS: Final = {"timeseries": 8, "stat": 4}

Unit = Literal["short", "s", "percentunit", "cpm", "reqps", "bytes", "d", "dtdurations"]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of Prometheus, and how each answer is called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its English and Chinese name, its queries, and what they are counted in."""

    en: str
    zh: str
    queries: tuple[Query, ...]
    unit: Unit = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    width: int = 12
    about: str = ""
    maximum: float | None = None

    @property
    def title(self) -> str:
        """Give the name as it stands over the panel."""
        return f"{self.en} {self.zh}"


@dataclass(frozen=True, slots=True)
class Variable:
    """What is chosen at the top: a label of a metric, several values or all."""

    name: str
    metric: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels."""

    uid: str
    en: str
    zh: str
    about: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()

    @property
    def file(self) -> Path:
        """Where Grafana finds it."""
        return FOLDER / f"{self.uid}.json"


def rendered(dashboard: Dashboard) -> str:
    """Give a dashboard as Grafana loads it."""
    panels, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(dashboard.panels, 1):
        if x + panel.width > WIDTH:
            x, y, row = 0, y + row, 0
        height = HEIGHTS[panel.kind]
        panels.append(_panel(panel, number) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": height}})
        x, row = x + panel.width, max(row, height)
    content = {
        "uid": f"gridcall-{dashboard.uid}",
        "title": f"{dashboard.en} {dashboard.zh}",
        "description": dashboard.about,
        "tags": ["gridcall"],
        "timezone": "browser",
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [{"type": "dashboards", "tags": ["gridcall"], "title": "gridcall", "asDropdown": True}],
        "templating": {"list": [_variable(each) for each in dashboard.variables]},
        "panels": panels,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _panel(panel: Panel, number: int) -> dict[str, Any]:
    limits = {} if panel.maximum is None else {"min": 0, "max": panel.maximum}
    custom = {"fillOpacity": 10, "showPoints": "never"} if panel.kind == "timeseries" else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": custom, **limits}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
            }
            for place, query in enumerate(panel.queries)
        ],
    }


def _variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.metric}, {variable.name})"
    return {
        "name": variable.name,
        "label": f"{variable.en} {variable.zh}",
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }
