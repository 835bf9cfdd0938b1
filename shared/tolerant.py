"""What if a stranger's record has a header name that is not UTF-8? aiokafka can never read past it; this can.

aiokafka 0.14 decodes header names while it reads a batch, and raises at the first that is not UTF-8: the same
again on every fetch, so that one record from `kcat` stops the partition for ever. Here such a batch is read a second
time by aiokafka's own Python reader with undecodable bytes replaced. All other batches go the fast way.
shared/decisions/0006-tolerant-headers.md
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


class _Forgiving(bytearray):
    """Bytes whose slices decode with a replacement character instead of raising."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if isinstance(found, int) else _Forgiving(found)

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """Decode; the caller's wish to raise is not granted."""
        del errors
        return super().decode(encoding, "replace")


class _ForgivingBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """aiokafka's Python reader over forgiving bytes."""

    def __iter__(self) -> Any:
        self._maybe_uncompress()
        self._buffer: bytearray = _Forgiving(self._buffer)
        return self


class _Batch:
    """A batch that is read a second time when a header name cannot be decoded."""

    def __init__(self, batch: Any, data: bytes) -> None:
        """Keep the fetched bytes for a second reading."""
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        done = 0
        try:
            for record in self._batch:
                yield record
                done += 1
        except UnicodeDecodeError:
            yield from islice(self._again(), done, None)

    def _again(self) -> Iterator[Any]:
        records = _MemoryRecordsPy(self._data)
        while records.has_next():
            start = records._next_slice  # noqa: SLF001 - the slice of the batch that comes next
            batch = records.next_batch()
            if batch.base_offset == self._batch.base_offset:
                return iter(_ForgivingBatch(bytes(start)))
        raise RuntimeError("the batch is no longer in the bytes that it came from")


class TolerantRecords:
    """Takes the place of aiokafka's MemoryRecords in its fetcher."""

    def __init__(self, data: bytes) -> None:
        """Read `data`, the record batches of one partition in one fetch."""
        self._data = data
        self._records = MemoryRecords(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def next_batch(self) -> Any:
        """Give the next batch, readable whatever its header names are."""
        batch = self._records.next_batch()
        return batch if batch is None else _Batch(batch, self._data)


def install() -> None:
    """Let every consumer of this process read past such records."""
    fetcher.MemoryRecords = TolerantRecords
