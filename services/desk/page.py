"""What does somebody see who opens the desk in a browser? Counters and the open tickets, without JavaScript."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.desk.names import Names
    from shared.profile import Profile

STYLE: Final = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}
.late{color:#b00020;font-weight:600} small{color:#666}
ul.n{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:1rem}
ul.n li{border:1px solid #ddd;border-radius:.4rem;padding:.4rem .8rem}
"""


def page(profile: Profile, names: Names, counters: dict[str, Any], tickets: list[dict[str, Any]], now: str) -> str:
    """Give the page; everything that a report may hold is escaped."""
    states = "".join(
        f"<li>{_both(names.state(state))} <b>{count}</b></li>" for state, count in counters["by_state"].items()
    )
    rows = "".join(_row(ticket, names, now) for ticket in tickets)
    totals = counters["totals"]
    return f"""<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>gridcall · {escape(profile.title.zh)}</title><style>{STYLE}</style></head><body>
<h1>{escape(profile.title.zh)} <small>{escape(profile.title.en)}</small></h1>
<p>在办 open <b>{totals["open"]}</b> · 已结案 closed <b>{totals["closed"]}</b> · 合计 all <b>{totals["tickets"]}</b></p>
<ul class="n">{states}</ul>
<table><thead><tr><th>工单 ticket</th><th>状态 state</th><th>类别 category</th><th>级 severity</th><th>单位 unit</th>
<th>到期 due</th><th>内容 description</th></tr></thead><tbody>{rows}</tbody></table>
<p><small>最急的在前 most urgent first · <a href="/v1/tickets?state=open&amp;sort=due">/v1/tickets</a> ·
<a href="/v1/counters">/v1/counters</a> · <a href="/v1/units">/v1/units</a> · <a href="/openapi.json">/openapi.json</a>
</small></p></body></html>"""


def _row(ticket: dict[str, Any], names: Names, now: str) -> str:
    due = ticket["due"]
    late = ' class="late"' if due is not None and due.isoformat() < now else ""
    category, unit = ticket["category"], ticket["unit_name"]
    cells = (
        f'<td><a href="{escape(ticket["href"])}/timeline"><code>{escape(ticket["id"])}</code></a></td>',
        f"<td>{_both((ticket['state_name']['zh'], ticket['state_name']['en']))}</td>",
        f"<td>{_both((category['name'], category['en'])) if category else ''}</td>",
        f"<td>{escape(ticket['severity'] or '')}</td>",
        f"<td>{_both((unit['zh'], unit['en'])) if unit else ''}</td>",
        f"<td{late}>{escape(names.instant(due)) if due else ''}</td>",
        f"<td>{escape(ticket['description'][:80])}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _both(pair: tuple[str, str]) -> str:
    return f"{escape(pair[0])} <small>{escape(pair[1])}</small>"
