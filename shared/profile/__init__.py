"""What does this city want different? The profile, read from one file and checked."""

from shared.profile.limit import Limit, TimeUnit
from shared.profile.load import (
    ProfileError,
    ProfileInvalid,
    find_profile,
    load_profile,
    parse_profile,
)
from shared.profile.model import (
    SEVERITIES,
    Category,
    Condition,
    Department,
    Level,
    LimitRow,
    Proof,
    Request,
    Road,
    Schedule,
    Severity,
    Situation,
    Size,
    Staff,
    Unit,
    Words,
)
from shared.profile.place import Location
from shared.profile.policy import Ladder, Matter, Policy, PolicyFile
from shared.profile.profile import CARE, Ask, Limits, Profile, Response, StageAt
from shared.profile.routing import Diversion, Handler, Route

__all__ = [
    "CARE",
    "SEVERITIES",
    "Ask",
    "Category",
    "Condition",
    "Department",
    "Diversion",
    "Handler",
    "Ladder",
    "Level",
    "Limit",
    "LimitRow",
    "Limits",
    "Location",
    "Matter",
    "Policy",
    "PolicyFile",
    "Profile",
    "ProfileError",
    "ProfileInvalid",
    "Proof",
    "Request",
    "Response",
    "Road",
    "Route",
    "Schedule",
    "Severity",
    "Situation",
    "Size",
    "Staff",
    "StageAt",
    "TimeUnit",
    "Unit",
    "Words",
    "find_profile",
    "load_profile",
    "parse_profile",
]
