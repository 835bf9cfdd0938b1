"""Which commands are there?"""

from __future__ import annotations

import logging
from importlib.util import find_spec

import typer

from deploy.cli import dead_letters, profile, topics, webhooks
from deploy.cli.audit import audit
from deploy.cli.conformance import conformance
from deploy.cli.explain import explain
from deploy.cli.indicators import indicators
from deploy.cli.output import Commands
from deploy.cli.qr import qr
from deploy.cli.rebuild import rebuild
from deploy.cli.replay import replay
from deploy.cli.resync import resync
from deploy.cli.scorecards import scorecards
from deploy.cli.trace import trace

logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # a command says itself that Kafka is away

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reports go from the hotline to closed: run it, look into it, repair it.",
)

if find_spec("supervisor"):  # the services' image carries no local servers, and none of these commands
    from deploy.cli.down import down
    from deploy.cli.status import status
    from deploy.cli.up import up

    app.command()(up)
    app.command()(status)
    app.command()(down)
app.command()(replay)
app.command()(trace)
app.command()(explain)
app.command()(indicators)
app.command()(scorecards)
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(rebuild)
app.command()(audit)
app.command()(conformance)
app.command()(resync)
app.command()(qr)
app.add_typer(profile.app, name="profile")
app.add_typer(topics.app, name="topics")
app.add_typer(webhooks.app, name="webhooks")

if __name__ == "__main__":
    app()
