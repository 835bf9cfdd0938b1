"""How does a stack stop that another shell, or `up --detach`, has started?"""

from __future__ import annotations

from deploy.cli.output import Json, err, out, print_json
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack


def down(as_json: Json = False) -> None:
    """Stop services, then Kafka, then MongoDB; the data stays."""
    settings = LocalSettings()
    with err.status("stopping services, then Kafka, then MongoDB"):
        stopped = Stack(settings).stop()
    if as_json:
        print_json({"stopped": stopped, "data": str(settings.folder)})
    else:
        out.print("All parts are stopped." if stopped else f"Nothing runs on {settings.folder}.")
