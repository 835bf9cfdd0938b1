"""Which environment variables does closure read? None of its own."""

from shared.settings import Settings as Settings
