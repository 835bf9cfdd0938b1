"""Which environment variables does sla read? None of its own."""

from shared.settings import Settings as Settings
