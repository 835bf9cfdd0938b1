"""How is a service killed exactly between two steps of its loop? `python -m tests.support.crash SERVICE STEP NTH`.

Steps are those that the loop's probe names, and `half-published`: the first half of a batch is on the topics.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from importlib import import_module

from shared.envelope import Outgoing
from shared.kafka import Publisher
from shared.service import run
from shared.settings import Settings

STEPS = ("claimed", "decided", "written", "committed", "publishing", "half-published", "published")


class Crash:
    """Counts down to the kill."""

    def __init__(self, step: str, nth: int) -> None:
        """Kill at the `nth` time that `step` is reached."""
        self._step, self._left = step, nth

    def reached(self, step: str) -> bool:
        """Count a step; True when it is the one."""
        self._left -= step == self._step
        return step == self._step and self._left <= 0

    def probe(self, step: str) -> None:
        """Die without any clean-up at the right moment."""
        if self.reached(step):
            os.kill(os.getpid(), signal.SIGKILL)


class HalfPublisher(Publisher):
    """Sends half of a batch, then dies."""

    crash: Crash

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """Send all, or the first half and no more."""
        batch = list(messages)
        if len(batch) > 1 and self.crash.reached("half-published"):
            await super().send(batch[: len(batch) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        await super().send(batch)


def main(service: str, step: str, nth: int) -> None:
    """Run a service until it dies at its step."""
    crash = Crash(step, nth)

    def build(settings: Settings) -> object:
        publisher = HalfPublisher(settings.kafka, f"gridcall-{service}")
        publisher.crash = crash
        module = import_module(f"services.{service}.app")
        own = import_module(f"services.{service}.settings").Settings()
        return module.build(own, probe=crash.probe, publisher=publisher)

    run(build)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
