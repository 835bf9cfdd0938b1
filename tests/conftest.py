"""What may every test ask for?"""

from __future__ import annotations

pytest_plugins = ["tests.support.servers"]
