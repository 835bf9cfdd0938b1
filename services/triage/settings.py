"""Which environment variables does triage read? None of its own."""

from shared.settings import Settings as Settings
