"""How do we reach MongoDB? The one file that imports a driver (motor), so that a change of driver touches it alone."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from bson import Binary, CodecOptions
from bson.binary import UUID_SUBTYPE
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ASCENDING as ASCENDING
from pymongo import DESCENDING as DESCENDING
from pymongo import DeleteMany as DeleteMany
from pymongo import DeleteOne as DeleteOne
from pymongo import InsertOne as InsertOne
from pymongo import ReplaceOne as ReplaceOne
from pymongo import UpdateOne as UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.errors import Conflict, Fenced, TryLater

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

Document = dict[str, Any]
Database = Any
"""A motor database; typed loosely, since only this file may name the driver's types."""
Collection = Any
Session = Any
Operation = Any

DUPLICATE_KEY = 11000
WRITE_CONFLICT = 112
MAJORITY: dict[str, Any] = {
    "read_concern": ReadConcern("snapshot"),
    "write_concern": WriteConcern("majority"),
}
UTC_AWARE: CodecOptions[Any] = CodecOptions(tz_aware=True, tzinfo=UTC)


def durable(db: Database, name: str) -> Collection:
    """Give a collection as a majority has it: what is read there is never undone by a change of primary."""
    return db.get_collection(name, read_concern=ReadConcern("majority"))


async def insert_each(collection: Collection, documents: Sequence[Document]) -> set[int]:
    """Insert every document that is new; gives the positions of those that somebody else had inserted first.

    Raises TryLater when it is not known of some of them whether they are kept: send them again.
    """
    with remedies():
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            details: dict[str, Any] = dict(error.details or {})
            failed = details.get("writeErrors", ())
            if details.get("writeConcernErrors") or any(entry.get("code") != DUPLICATE_KEY for entry in failed):
                raise TryLater(f"MongoDB did not keep all of it: {str(details)[:300]}") from error
            return {entry["index"] for entry in failed}
    return set()


def session_id(session: Session) -> bytes:
    """Give the id by which `Mongo.end_session` knows a session."""
    return bytes(session.session_id["id"])


@contextmanager
def remedies() -> Iterator[None]:
    """Turn the driver's errors into ours: Conflict for who came second, TryLater for what is away."""
    try:
        yield
    except DuplicateKeyError as error:
        raise Conflict(str(error)) from error
    except BulkWriteError as error:
        codes = {entry.get("code") for entry in (error.details or {}).get("writeErrors", ())}
        if codes & {DUPLICATE_KEY, WRITE_CONFLICT} or error.has_error_label("TransientTransactionError"):
            raise Conflict(str(error.details)[:500]) from error
        raise TryLater(str(error.details)[:500]) from error
    except (ConnectionFailure, ExecutionTimeout) as error:
        why = str(error).partition(" (configured timeouts")[0]
        raise TryLater(f"MongoDB is away: {why[:300]}") from error
    except OperationFailure as error:
        if error.code == WRITE_CONFLICT:
            raise Conflict(str(error)[:300]) from error
        raise TryLater(f"MongoDB refused: {str(error)[:300]}") from error
    except PyMongoError as error:
        raise TryLater(f"MongoDB: {type(error).__name__}: {str(error)[:300]}") from error


class Mongo:
    """One client per process; every service has a database of its own."""

    def __init__(self, uri: str, *, timeout_ms: int = 5000) -> None:
        """Connect lazily; `timeout_ms` bounds the search for a server."""
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="mongodb")
        self._client: Any = AsyncIOMotorClient(
            uri,
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            socketTimeoutMS=30_000,
            maxPoolSize=20,
            appname="gridcall",
        )

    def db(self, name: str) -> Database:
        """Give a service's database; majority writes, aware UTC instants."""
        return self._client.get_database(name, codec_options=UTC_AWARE, write_concern=WriteConcern("majority"))

    async def ping(self) -> None:
        """Return when a primary answers; raises TryLater."""
        with remedies():
            await self._client.admin.command("ping")

    async def session(self) -> Session:
        """Give a session for one transaction after the other; raises TryLater."""
        with remedies():
            return await self._client.start_session()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Give a session in a transaction that commits at the end, with majority; raises as `write` does."""
        with remedies():
            async with await self._client.start_session() as own, own.start_transaction(**MAJORITY):
                yield own

    async def write(
        self,
        session: Session,
        fences: tuple[Collection, Sequence[Operation]],
        writes: Sequence[tuple[Collection, Sequence[Operation]]],
        before_commit: Callable[[], None],
    ) -> None:
        """Write everything in one transaction that commits with majority; every fence must find its document.

        Raises Fenced when one does not, Conflict when somebody else wrote first and TryLater when MongoDB is
        away; after TryLater it is not known whether the transaction was committed: read again. The whole of it
        runs in one thread of its own: motor would change threads for each of its steps, which costs as much
        again as they do.
        """

        def transact() -> None:
            own = session.delegate
            with remedies(), own.start_transaction(write_concern=WriteConcern("majority")):
                matched = fences[0].delegate.bulk_write(fences[1], ordered=True, session=own).matched_count
                if matched != len(fences[1]):
                    raise Fenced(f"{len(fences[1]) - matched} of {len(fences[1])} documents have another owner")
                for collection, operations in writes:
                    collection.delegate.bulk_write(operations, ordered=True, session=own)
                before_commit()

        await asyncio.get_running_loop().run_in_executor(self._threads, transact)

    async def end_session(self, ident: bytes) -> None:
        """End another process' session by its id, and with it the transaction that it may have left open.

        A process that is killed in the middle of a transaction leaves its documents locked, for a minute
        by default: nobody could take over before.
        """
        with remedies():
            await self._client.admin.command("killSessions", [{"id": Binary(ident, UUID_SUBTYPE)}])

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._threads.shutdown(wait=False)
