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
    Request,
    Road,
    Severity,
    Staff,
    Unit,
    Words,
)
from shared.profile.place import Location
from shared.profile.policy import Ladder, Matter, Policy, PolicyFile
from shared.profile.profile import Limits, Profile
from shared.profile.routing import Diversion, Handler, Route

__all__ = [
    "SEVERITIES",
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
    "Request",
    "Road",
    "Route",
    "Severity",
    "Staff",
    "TimeUnit",
    "Unit",
    "Words",
    "find_profile",
    "load_profile",
    "parse_profile",
]
