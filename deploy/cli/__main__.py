"""How is the command line run without being installed? `python -m deploy.cli`."""

from deploy.cli.main import app

app()
