"""What can be measured? Every metric of gridcall in one typed list, which is also its documentation."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
WAITS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5, 1, 2, 5, 15, 60, 300)
HOURS = (60, 300, 900, 3600, 4 * 3600, 8 * 3600, 24 * 3600, 3 * 86400, 7 * 86400, 15 * 86400, 30 * 86400)
RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

records = Counter("gridcall_records_total", "Records read, by outcome", ["service", "type", "outcome"])
batch_seconds = Histogram(
    "gridcall_batch_seconds", "Time of one turn of the partition loop", ["service"], buckets=SECONDS
)
batch_records = Histogram("gridcall_batch_records", "Records in one turn", ["service"], buckets=RECORDS)
consumer_lag = Gauge("gridcall_consumer_lag_records", "Records not yet read", ["service", "partition"])
outbox_age = Gauge(
    "gridcall_outbox_age_seconds", "Age of the oldest message decided but not yet published", ["service"]
)
tickets = Counter("gridcall_tickets_total", "Things that happened to tickets", ["event"])
tickets_open = Gauge("gridcall_tickets_open", "Tickets that are not over", ["state", "level"])
report_to_dispatch = Histogram(
    "gridcall_report_to_dispatch_seconds", "From the report's acceptance to its order", buckets=WAITS
)
order_sign = Histogram("gridcall_order_sign_seconds", "From order to signature", ["department"], buckets=HOURS)
order_handle = Histogram("gridcall_order_handle_seconds", "From order to done", ["department"], buckets=HOURS)
handling_seconds = Counter(
    "gridcall_handling_seconds_total", "Counted time of handling clocks that ended, pauses included", ["department"]
)
paused_seconds = Counter(
    "gridcall_paused_seconds_total",
    "Counted time in which handling clocks that ended rested; over the one before it is the share",
    ["department"],
)
escalations = Counter("gridcall_escalations_total", "Levels added by a breach", ["level", "cause"])
timers_armed = Gauge("gridcall_timers_armed", "Tickets with a clock that runs")
timers_overdue = Gauge("gridcall_timers_overdue", "Timers that are due and have not fired")
timer_lateness = Histogram("gridcall_timer_lateness_seconds", "From due to fired", ["service"], buckets=WAITS)
timer_audit_findings = Gauge(
    "gridcall_timer_audit_findings", "What audits of the timers found wrong; only counts up", ["kind"]
)
timer_audit_timers = Gauge("gridcall_timer_audit_timers", "Warnings and limits that the last audits looked at")
timer_audit_completed = Gauge(
    "gridcall_timer_audit_completed_timestamp_seconds",
    "Until when all timers of this instance are audited, in Unix time; at first its start",
)
deadline = Counter("gridcall_deadline_total", "Clocks that ended", ["clock", "outcome"])
dead_letters = Counter("gridcall_dead_letters_total", "Records that could not be read", ["service", "reason"])
parked_tickets = Gauge("gridcall_parked_tickets", "Tickets that wait for somebody to look at an error", ["service"])
sequence_gaps = Counter("gridcall_sequence_gaps_total", "Facts missing from the log; must stay at zero")
duplicates = Counter("gridcall_duplicates_total", "Facts read more than once and skipped", ["service"])
refusals = Counter("gridcall_refusals_total", "Commands and reports refused", ["command", "reason"])
rate_ratio = Gauge(
    "gridcall_rate_ratio",
    "Share, of a week's closed tickets: signed in time; solved, of those that a person closed; rated 4 or 5",
    ["rate"],
)
build_info = Gauge("gridcall_build_info", "Always 1; says what runs", ["service", "version", "profile"])
infrastructure_waits = Counter(
    "gridcall_infrastructure_waits_total", "Pauses because a part of the infrastructure is away", ["service", "part"]
)
part_reachable = Gauge(
    "gridcall_part_reachable",
    "1 while a part of the infrastructure answers this service",
    ["service", "part"],
)
ready = Gauge("gridcall_ready", "1 while the service makes progress: what /health/ready says", ["service"])
level_staff = Gauge("gridcall_level_staff", "Persons of a level's units who are not away today", ["level"])
units_unstaffed = Gauge(
    "gridcall_units_unstaffed", "Units at which nobody is there today, nor a stand-in", ["level", "kind"]
)
visits_missed = Counter(
    "gridcall_visits_missed_total", "Visits of a schedule that were not held within their limit", ["schedule"]
)
calendar_days_left = Gauge(
    "gridcall_calendar_days_left",
    "Days until the published holidays end",
    ["calendar"],
)
held_back = Counter(
    "gridcall_held_back_seconds_total",
    "Time for which a topic that brought more than its rate was left unread",
    ["service", "topic"],
)
consumer_paused = Gauge(
    "gridcall_consumer_paused", "1 while a burst of poison has stopped a topic", ["service", "topic"]
)
webhook_deliveries = Counter(
    "gridcall_webhook_deliveries_total",
    "Attempts to post a record to a department, by outcome",
    ["department", "outcome"],
)
webhook_oldest = Gauge(
    "gridcall_webhook_oldest_seconds",
    "How long the oldest record has waited that is still to be posted, dead letters left out",
    ["department"],
)
webhook_dead = Gauge("gridcall_webhook_dead_letters", "Records whose posting was given up", ["department"])
