"""When is it working time, and when is something due? Pure: the zone is always an argument, the clock is nobody's."""

from shared.calendar.arithmetic import Pause, Segment, advance, days_later, elapsed, segments
from shared.calendar.civic import ALWAYS, Calendar, Day, OutOfCalendarError
from shared.calendar.rules import CalendarRules, Season, SpecialDay

__all__ = [
    "ALWAYS",
    "Calendar",
    "CalendarRules",
    "Day",
    "OutOfCalendarError",
    "Pause",
    "Season",
    "Segment",
    "SpecialDay",
    "advance",
    "days_later",
    "elapsed",
    "segments",
]
