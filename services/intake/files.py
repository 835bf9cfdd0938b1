"""Where are uploaded files kept? On the local disk or in an S3-compatible store, behind two calls."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from shared.errors import TryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import ObjectStore, RetryConfig

RETRIES: RetryConfig = {"max_retries": 2}


class Files(Protocol):
    """Keeps files under names that intake makes."""

    async def keep(self, name: str, content: bytes) -> None:
        """Keep a file; the same name always has the same content. Raises TryLater."""
        ...

    async def give(self, name: str) -> bytes | None:
        """Give a file; None when there is none of that name. Raises TryLater."""
        ...


class Stored:
    """Files in any store that obstore knows."""

    def __init__(self, make: Callable[[], ObjectStore]) -> None:
        """Connect nothing yet: a folder that cannot be made is no reason not to take reports."""
        self._make = make

    @cached_property
    def _store(self) -> ObjectStore:
        return self._make()

    async def keep(self, name: str, content: bytes) -> None:
        """Keep a file."""
        try:
            await obstore.put_async(self._store, name, content)
        except (BaseError, OSError) as error:
            raise TryLater(f"the store of files is away: {str(error)[:300]}") from error

    async def give(self, name: str) -> bytes | None:
        """Give a file."""
        try:
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise TryLater(f"the store of files is away: {str(error)[:300]}") from error


def files(where: str, data: str) -> Files:
    """Give the store at a URL; of a folder, and without a URL, one on the local disk. Raises ValueError."""
    if where.startswith("memory:"):
        return Stored(MemoryStore)
    if "://" not in where or where.startswith("file://"):
        folder = Path(where.removeprefix("file://")) if where else Path(data) / "attachments"
        return Stored(partial(LocalStore, folder.absolute(), mkdir=True))
    try:
        bucket = S3Store.from_url(where, retry_config=RETRIES)
    except BaseError as error:
        problem = f"GRIDCALL_ATTACHMENTS must be a folder or a URL such as s3://bucket/folder: {str(error)[:300]}"
        raise ValueError(problem) from error
    return Stored(lambda: bucket)
