"""Are Baltimore's limits in its profile those that its due dates were counted by?"""

from __future__ import annotations

import pytest

from shared.deadline import due_at
from shared.profile import find_profile, load_profile
from tests.unit.calendar.calendars import ABSENT
from tests.unit.calendar.test_baltimore import FILE, aware, types

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"baltimore311.csv.gz {ABSENT}")
PROFILE = load_profile(find_profile("baltimore"))


def test_every_due_date_of_its_types_is_given_to_the_second() -> None:
    """The handling limit of the profile, counted in its calendar from the report, is the due date on every row."""
    rows = 0
    for category in PROFILE.categories:
        limit = PROFILE.limits(category, None, "IV").handle
        calendar = PROFILE.working_time(category.code, PROFILE.route(category, None, None).lead.id)
        for row in types()[category.en]:
            if row.due is None:
                continue
            assert row.created is not None
            assert due_at(row.created, limit, calendar) == row.due, (category.en, row.written)
            rows += 1
    assert rows > 2_500


def test_its_types_are_the_files_own() -> None:
    """Each category is a type of the file; a made-up name would prove nothing."""
    assert {category.en for category in PROFILE.categories} <= set(types())
    assert aware("") is None
