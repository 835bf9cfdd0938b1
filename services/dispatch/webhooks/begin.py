"""Where does a department begin that has just been configured? Now, and with its open orders as a snapshot.

What its topic has held before was dealt with by other means, and may be years of orders. So it is read from the end
that it has when the department is first met, and the open orders are asked for in the department's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.chance import random_id
from shared.envelope import Envelope, Outgoing, headers
from shared.loop.partitions import begin_at
from shared.messages import UpdateResync
from shared.mongo import remedies
from shared.topics import dispatch_topic, updates_topic

if TYPE_CHECKING:
    from services.dispatch.webhooks.feed import Feed
    from services.dispatch.webhooks.file import HttpDepartment
    from shared.clock import Clock
    from shared.kafka import Publisher
    from shared.mongo import Database

COLLECTION: Final = "webhook_beginnings"
"""One document per department that was ever reached by webhook: where its topic ended then, and what was asked."""
SOURCE: Final = "gridcall/webhooks"


class Beginning:
    """Begins with a department, once; whatever is killed in between, the next start goes on."""

    def __init__(self, db: Database, publisher: Publisher, feed: Feed, clock: Clock) -> None:
        """`clock` is the world's."""
        self._db = db
        self._publisher = publisher
        self._feed = feed
        self._clock = clock

    async def begin(self, department: HttpDepartment, group: str) -> None:
        """Let a consumer group begin at the end of the department's topic, where it is new; raises TryLater.

        It must be done before the group reads. Two instances begin alike: who comes second takes what the first wrote.
        """
        with remedies():
            found = await self._db[COLLECTION].find_one({"_id": department.id})
        if found is not None and found["asked"]:
            return
        begun = found or await self._written(department)
        ends = {int(number): end for number, end in begun["ends"].items()}
        await begin_at(self._db, group, dispatch_topic(department.topic), ends)
        await self._ask(department, begun["ask"])
        with remedies():
            await self._db[COLLECTION].update_one({"_id": department.id}, {"$set": {"asked": True}})

    async def _written(self, department: HttpDepartment) -> dict[str, Any]:
        ends = await self._feed.ends(dispatch_topic(department.topic))
        first = {
            "ends": {str(number): end for number, end in ends.items()},
            "ask": random_id(),
            "at": self._clock.now(),
            "asked": False,
        }
        with remedies():
            written: dict[str, Any] = await self._db[COLLECTION].find_one_and_update(
                {"_id": department.id}, {"$setOnInsert": first}, upsert=True, return_document=True
            )
        return written

    async def _ask(self, department: HttpDepartment, ident: str) -> None:
        """Ask for the open orders; the same id again is passed over."""
        envelope = Envelope(ident, SOURCE, UpdateResync.type, self._clock.now())
        await self._publisher.send([Outgoing(updates_topic(department.topic), ident, headers(envelope), b"{}")])
