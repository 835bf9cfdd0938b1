"""Which environment variables does the desk read? Those that all services read."""

from shared.settings import Settings as Settings
