"""Which environment variables does dispatch read? None of its own."""

from shared.settings import Settings as Settings
