"""What does a city of thousands of units cost? Counted in calls and bytes, which no busy machine changes."""

from __future__ import annotations

import sys
import tracemalloc
from typing import TYPE_CHECKING, Final

from shared.profile import find_profile, load_profile
from shared.profile.load import _parsed
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.profile import Profile

MB: Final = 1_000_000


def calls(of: Callable[[], object]) -> int:
    """Count the Python functions that something calls."""
    count = 0

    def called(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        of()
    finally:
        sys.setprofile(before)
    return count


def city(folder: Path, grids: int) -> Profile:
    """Load the small profile with a table of so many grids."""
    rows = (
        f"100000002001{nth:03},第{nth}格,Grid {nth},grid,100000002001,g2-{nth}:戊:worker,Q{nth}" for nth in range(grids)
    )
    (folder / "units.csv").write_text("id,zh,en,level,parent,staff,qr\n" + "\n".join(rows), encoding="utf-8")
    (folder / "small.yaml").write_text(SMALL + "units_table: units.csv\n", encoding="utf-8")
    return load_profile(folder / "small.yaml")


def test_routing_does_not_look_through_the_units(tmp_path: Path) -> None:
    """A ticket's lead, assists, owner and first answer are found in as many steps in a large city as in a small one."""

    def routed(profile: Profile) -> int:
        def one() -> None:
            profile.route("0101", "built", "100000002001007", severity="IV")
            profile.response("0101", "IV", "100000002001007")
            profile.locate(qr="Q7")

        one()  # what is prepared once is not the ticket's
        return calls(one)

    assert routed(city(tmp_path, 900)) == routed(city(tmp_path, 9))


def test_loading_grows_with_the_units_and_no_faster(tmp_path: Path) -> None:
    """Twice as many units cost twice as many steps."""
    costs = [calls(lambda grids=grids: city(tmp_path, grids)) for grids in (5, 10, 460, 910)]  # type: ignore[misc]
    _, ten, some, many = costs  # the first has also loaded what is loaded once
    assert abs((many - some) - (some - ten)) < 0.1 * (some - ten)


def test_the_largest_profile_fits_beside_the_others() -> None:
    """Longquanyi's 6,700 units take less than the 60 MB that a service may spend on its profile."""
    _parsed.cache_clear()
    tracemalloc.start()
    try:
        profile = load_profile(find_profile("longquanyi"))
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        _parsed.cache_clear()
    assert len(profile.units) > 6_595
    assert kept < 60 * MB
