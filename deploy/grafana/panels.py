"""What do people look at? The loop, clocks and ladder, departments, a service, Kafka and MongoDB, the three rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.grafana.dashboards import Dashboard, Panel, Query, Variable, rendered

if TYPE_CHECKING:
    from pathlib import Path

EVERY: Final = "$__rate_interval"
SERVICE: Final = 'service=~"$service"'
DEPARTMENT: Final = 'department=~"$department"'


def events(*names: str) -> str:
    """Give how many tickets a minute saw each event."""
    return f'sum by (event) (rate(gridcall_tickets_total{{event=~"{"|".join(names)}"}}[{EVERY}])) * 60'


def quantiles(metric: str, labels: str = "", by: str = "") -> tuple[Query, ...]:
    """Give the median and the slowest hundredth of a histogram."""
    grouped = f"le, {by}" if by else "le"
    named = f"{{{{{by}}}}} " if by else ""
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by ({grouped}) (rate({metric}_bucket{{{labels}}}[{EVERY}])))",
            f"{named}p{share * 100:g}",
        )
        for share in (0.5, 0.99)
    )


def mean(metric: str, labels: str, by: str) -> Query:
    """Give the mean of a histogram over the time that is shown."""
    total, count = (f"sum by ({by}) (increase({metric}_{end}{{{labels}}}[$__range]))" for end in ("sum", "count"))
    return Query(f"{total} / {count}", f"{{{{{by}}}}}")


LOOP: Final = Dashboard(
    "loop",
    "The loop at a glance",
    "闭环总览",
    "Do reports come in, reach a department, and end?",
    (
        Panel(
            "Open tickets", "在办工单", (Query("max(sum by (instance) (gridcall_tickets_open))"),), kind="stat", width=4
        ),
        Panel(
            "Services that make progress",
            "正常服务",
            (Query("sum(max by (service) (gridcall_ready))"),),
            kind="stat",
            width=5,
            about="Of six.",
        ),
        Panel(
            "Reports late, 1 h",
            "派单超时占比",
            (Query("gridcall:report_to_dispatch_late:ratio_rate1h"),),
            "percentunit",
            "stat",
            5,
            "The objective is 1 %: later than 5 s.",
        ),
        Panel(
            "Timers overdue",
            "到期未触发",
            (Query('max(gridcall_timers_overdue{service="sla"})'),),
            kind="stat",
            width=5,
        ),
        Panel(
            "Alerts firing",
            "告警",
            (Query('count(ALERTS{alertstate="firing"}) or vector(0)'),),
            kind="stat",
            width=5,
        ),
        Panel(
            "Reported, ordered, signed, done, closed",
            "受理 派单 签收 办结 结案",
            (Query(events("reported", "order-issued", "order-signed", "order-done", "closed"), "{{event}}"),),
            "cpm",
        ),
        Panel("From report to order", "受理到派单", quantiles("gridcall_report_to_dispatch_seconds"), "s"),
        Panel(
            "Open by state",
            "在办按环节",
            (Query("max by (state) (sum by (instance, state) (gridcall_tickets_open))", "{{state}}"),),
        ),
        Panel(
            "Triaged by a person, returned, reworked, reopened",
            "人工预审 退单 返工 重办",
            (Query(events("triage-needed", "order-returned", "rework-ordered", "reopened"), "{{event}}"),),
            "cpm",
        ),
        Panel("Behind the log", "积压", (Query("gridcall:consumer_lag_records:sum", "{{service}}"),)),
        Panel(
            "Refused",
            "拒绝",
            (
                Query(
                    f"sum by (command, reason) (rate(gridcall_refusals_total[{EVERY}])) * 60", "{{command}}: {{reason}}"
                ),
            ),
            "cpm",
        ),
    ),
)

CLOCKS: Final = Dashboard(
    "clocks",
    "Clocks and ladder",
    "时限与提级",
    "Is what was promised kept, and if not, who is told?",
    (
        Panel("Clocks armed", "计时中", (Query('max(gridcall_timers_armed{service="sla"})'),), kind="stat", width=6),
        Panel(
            "Due and not fired",
            "到期未触发",
            (Query('max(gridcall_timers_overdue{service="sla"})'),),
            kind="stat",
            width=6,
        ),
        Panel(
            "Found by the audit",
            "时限审计发现",
            (Query('sum(gridcall_timer_audit_findings{service="sla"})'),),
            kind="stat",
            width=6,
        ),
        Panel(
            "Since the last whole audit",
            "距上次审计",
            (Query('time() - min(gridcall_timer_audit_completed_timestamp_seconds{service="sla"} > 0)'),),
            "s",
            "stat",
            6,
        ),
        Panel(
            "How clocks ended",
            "时限结果",
            (Query(f"sum by (clock, outcome) (rate(gridcall_deadline_total[{EVERY}])) * 60", "{{clock}} {{outcome}}"),),
            "cpm",
        ),
        Panel(
            "Met, of those that were met or breached",
            "按时率",
            (
                Query(
                    'sum by (clock) (gridcall_deadline_total{outcome="met"})'
                    ' / sum by (clock) (gridcall_deadline_total{outcome=~"met|breached"})',
                    "{{clock}}",
                ),
            ),
            "percentunit",
            maximum=1,
        ),
        Panel(
            "Escalated to",
            "提级",
            (Query("sum by (level, cause) (gridcall_escalations_total)", "{{level}}, {{cause}}"),),
        ),
        Panel(
            "Open by level",
            "在办按层级",
            (Query("max by (level) (sum by (instance, level) (gridcall_tickets_open))", "{{level}}"),),
        ),
        Panel(
            "How late timers fire",
            "触发延迟",
            quantiles("gridcall_timer_lateness_seconds", 'service="sla"'),
            "s",
        ),
        Panel(
            "Levels skipped, supervision repeated, taken on",
            "越级 重复督办 接办",
            (Query(events("level-skipped", "supervision-repeated", "escalation-accepted"), "{{event}}"),),
            "cpm",
        ),
        Panel(
            "Persons of each level today", "在岗人数", (Query("max by (level) (gridcall_level_staff)", "{{level}}"),)
        ),
        Panel(
            "Units at which nobody is there today",
            "无人值守单元",
            (Query("max by (level, kind) (gridcall_units_unstaffed)", "{{level}} {{kind}}"),),
        ),
        Panel(
            "Visits missed in a day",
            "走访逾期",
            (Query("sum by (schedule) (increase(gridcall_visits_missed_total[1d]))", "{{schedule}}"),),
        ),
        Panel(
            "Days that the calendars are settled",
            "日历有效天数",
            (Query("min by (calendar) (gridcall_calendar_days_left)", "{{calendar}}"),),
            "d",
        ),
    ),
)

DEPARTMENTS: Final = Dashboard(
    "departments",
    "Departments",
    "承办单位",
    "Who signs, who handles, and how long does it take?",
    (
        Panel(
            "Time to sign",
            "签收用时",
            (mean("gridcall_order_sign_seconds", DEPARTMENT, "department"),),
            "s",
            about="Mean over the time shown.",
        ),
        Panel(
            "Time to done",
            "办理用时",
            (mean("gridcall_order_handle_seconds", DEPARTMENT, "department"),),
            "s",
            about="Mean over the time shown.",
        ),
        Panel(
            "Signed",
            "签收量",
            (
                Query(
                    f"sum by (department) (increase(gridcall_order_sign_seconds_count{{{DEPARTMENT}}}[$__range]))",
                    "{{department}}",
                ),
            ),
        ),
        Panel(
            "Done",
            "办结量",
            (
                Query(
                    f"sum by (department) (increase(gridcall_order_handle_seconds_count{{{DEPARTMENT}}}[$__range]))",
                    "{{department}}",
                ),
            ),
        ),
        Panel("Slowest to sign", "签收最慢", quantiles("gridcall_order_sign_seconds", DEPARTMENT, "department"), "s"),
        Panel(
            "Share of the handling time that rested",
            "挂账占比",
            (
                Query(
                    f"sum by (department) (gridcall_paused_seconds_total{{{DEPARTMENT}}})"
                    f" / sum by (department) (gridcall_handling_seconds_total{{{DEPARTMENT}}})",
                    "{{department}}",
                ),
            ),
            "percentunit",
            maximum=1,
        ),
        Panel(
            "Held back by its rate",
            "超速限读",
            (Query(f"max by (topic) (rate(gridcall_held_back_seconds_total[{EVERY}]))", "{{topic}}"),),
            "percentunit",
            about="Share of the time in which what it sends was left unread, because it sent too much.",
        ),
        Panel(
            "Posted to it, by outcome",
            "推送结果",
            (
                Query(
                    f"sum by (department, outcome) (rate(gridcall_webhook_deliveries_total{{{DEPARTMENT}}}[{EVERY}]))"
                    " * 60",
                    "{{department}} {{outcome}}",
                ),
            ),
            "cpm",
            about="Departments that are reached by HTTP.",
        ),
        Panel(
            "Oldest that is still to be posted",
            "待推送最久",
            (Query(f"max by (department) (gridcall_webhook_oldest_seconds{{{DEPARTMENT}}})", "{{department}}"),),
            "s",
        ),
        Panel(
            "Given up to be posted",
            "推送死信",
            (Query(f"max by (department) (gridcall_webhook_dead_letters{{{DEPARTMENT}}})", "{{department}}"),),
        ),
    ),
    (Variable("department", "gridcall_order_sign_seconds_count", "department", "承办单位"),),
)

ONE_SERVICE: Final = Dashboard(
    "service",
    "One service",
    "单个服务",
    "Does it make progress, how fast, and what does it cost?",
    (
        Panel(
            "Makes progress",
            "正常",
            (Query(f"max by (service) (gridcall_ready{{{SERVICE}}})", "{{service}}"),),
            kind="stat",
        ),
        Panel(
            "Instances that answer",
            "实例数",
            (Query(f'sum by (service) (up{{job="gridcall", {SERVICE}}})', "{{service}}"),),
            kind="stat",
        ),
        Panel(
            "Records a second, by outcome",
            "每秒处理消息",
            (
                Query(
                    f"sum by (service, outcome) (rate(gridcall_records_total{{{SERVICE}}}[{EVERY}]))",
                    "{{service}} {{outcome}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Records a second, by type",
            "按类型",
            (Query(f"topk(10, sum by (type) (rate(gridcall_records_total{{{SERVICE}}}[{EVERY}])))", "{{type}}"),),
            "reqps",
        ),
        Panel("Time of a turn", "每轮用时", quantiles("gridcall_batch_seconds", SERVICE, "service"), "s"),
        Panel("Records in a turn", "每轮消息数", quantiles("gridcall_batch_records", SERVICE, "service")),
        Panel(
            "Behind, by partition",
            "分区积压",
            (
                Query(
                    f"sum by (service, partition) (gridcall_consumer_lag_records{{{SERVICE}}})",
                    "{{service}} {{partition}}",
                ),
            ),
        ),
        Panel(
            "Decided and not published",
            "待发布",
            (Query(f"max by (service) (gridcall_outbox_age_seconds{{{SERVICE}}})", "{{service}}"),),
            "s",
        ),
        Panel(
            "Parked tickets",
            "停办工单",
            (Query(f"sum by (service) (gridcall_parked_tickets{{{SERVICE}}})", "{{service}}"),),
        ),
        Panel(
            "Read more than once, and skipped",
            "重复消息",
            (Query(f"sum by (service) (gridcall_duplicates_total{{{SERVICE}}})", "{{service}}"),),
        ),
        Panel(
            "CPU",
            "处理器",
            (Query(f"sum by (service) (rate(process_cpu_seconds_total{{{SERVICE}}}[{EVERY}]))", "{{service}}"),),
            "percentunit",
        ),
        Panel(
            "Memory",
            "内存",
            (Query(f"sum by (service) (process_resident_memory_bytes{{{SERVICE}}})", "{{service}}"),),
            "bytes",
        ),
        Panel(
            "Version and profile",
            "版本与配置",
            (Query(f"gridcall_build_info{{{SERVICE}}}", "{{service}} {{version}} {{profile}}"),),
            kind="stat",
            width=24,
        ),
    ),
    (Variable("service", "gridcall_build_info", "service", "服务"),),
)

INFRASTRUCTURE: Final = Dashboard(
    "infrastructure",
    "Kafka and MongoDB",
    "基础设施",
    "Do they answer, and do they keep up, as the services see them?",
    (
        Panel(
            "Answers, by service",
            "可达",
            (Query("min by (part, service) (gridcall_part_reachable)", "{{part}} from {{service}}"),),
            maximum=1,
        ),
        Panel(
            "Pauses because it is away",
            "等待次数",
            (
                Query(
                    f"sum by (part, service) (rate(gridcall_infrastructure_waits_total[{EVERY}])) * 60",
                    "{{part}} {{service}}",
                ),
            ),
            "cpm",
        ),
        Panel(
            "Time of a turn",
            "每轮用时",
            quantiles("gridcall_batch_seconds", "", "service"),
            "s",
            about="Three quarters of it and more is MongoDB's transaction.",
        ),
        Panel(
            "Published late",
            "发布延迟",
            (Query("max by (service) (gridcall_outbox_age_seconds)", "{{service}}"),),
            "s",
            about="Age of the oldest message that Kafka has not taken.",
        ),
        Panel(
            "Kafka: not yet read, by topic and partition",
            "分区积压",
            (Query("sum by (partition) (gridcall_consumer_lag_records)", "{{partition}}"),),
        ),
        Panel(
            "Kafka: topics that a burst of poison has stopped",
            "暂停的主题",
            (Query("max by (service, topic) (gridcall_consumer_paused)", "{{service}} {{topic}}"),),
        ),
        Panel(
            "Kafka: records that could not be read",
            "死信",
            (Query("sum by (service, reason) (gridcall_dead_letters_total)", "{{service}} {{reason}}"),),
        ),
        Panel("Kafka: facts missing from the log", "日志缺口", (Query("sum(gridcall_sequence_gaps_total)", "gaps"),)),
    ),
)

RATES: Final = Dashboard(
    "rates",
    "Response, solution, satisfaction",
    "三率",
    "For those who govern: of the tickets closed within a week.",
    (
        *(
            Panel(
                f"{rate.capitalize()} rate",
                zh,
                (Query(f'max(gridcall_rate_ratio{{rate="{rate}"}})'),),
                "percentunit",
                "stat",
                8,
                about,
            )
            for rate, zh, about in (
                ("response", "响应率", "Orders signed in time, of those to be signed."),
                (
                    "solution",
                    "解决率",
                    "Solved by the word of the caller or of whoever verified, of those that a person closed.",
                ),
                ("satisfaction", "满意率", "Rated 4 or 5, of those rated."),
            )
        ),
        Panel(
            "The three rates",
            "三率走势",
            (Query("gridcall:rate_ratio:max", "{{rate}}"),),
            "percentunit",
            width=24,
            maximum=1,
        ),
        Panel("Taken and closed", "受理与结案", (Query(events("reported", "closed"), "{{event}}"),), "cpm"),
        Panel(
            "Handled in time",
            "按时办结率",
            (
                Query(
                    'sum(gridcall_deadline_total{clock="handle", outcome="met"})'
                    ' / sum(gridcall_deadline_total{clock="handle", outcome=~"met|breached"})',
                    "in time",
                ),
            ),
            "percentunit",
            maximum=1,
        ),
        Panel(
            "Open by level",
            "在办按层级",
            (Query("max by (level) (sum by (instance, level) (gridcall_tickets_open))", "{{level}}"),),
        ),
        Panel(
            "Called back, reworked, reopened",
            "回访 返工 重办",
            (Query(events("called-back", "rework-ordered", "reopened"), "{{event}}"),),
            "cpm",
        ),
    ),
)

DASHBOARDS: Final = (LOOP, CLOCKS, DEPARTMENTS, ONE_SERVICE, INFRASTRUCTURE, RATES)


def files() -> dict[Path, str]:
    """Give each dashboard's file with what stands in it."""
    return {dashboard.file: rendered(dashboard) for dashboard in DASHBOARDS}
