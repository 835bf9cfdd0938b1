"""How does a service run on another log, so that a measurement does not mix with another one?

`python -m tests.bench.elsewhere PREFIX MODULE [ARGUMENT...]`: every topic is named PREFIX... instead of gridcall... .
"""

from __future__ import annotations

import runpy
import sys

from shared import topics


def rename(prefix: str) -> None:
    """Rename every topic; before anything else is imported that takes the names."""
    for name in ("REPORTS", "RECEIPTS", "TICKETS", "DEAD_LETTERS", "DISPATCH_PREFIX", "UPDATES_PREFIX"):
        setattr(topics, name, getattr(topics, name).replace("gridcall.", f"{prefix}.", 1))


if __name__ == "__main__":
    rename(sys.argv[1])
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
