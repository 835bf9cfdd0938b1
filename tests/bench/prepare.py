"""Are the topics and indexes of a pipeline there? Makes those that are missing; run it by tests.bench.elsewhere."""

from __future__ import annotations

from deploy.cli import topics
from shared.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    topics.apply(settings.kafka, settings.profile)
    topics.indexes(settings.mongo)
