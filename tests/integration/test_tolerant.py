"""Does a header name that is not UTF-8 stop anything?"""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from shared import tolerant

BAD = b"\xff\xfename"
CODECS = (0, 1, 2, 3, 4)
"""None, gzip, snappy, lz4, zstd."""


class RawName(str):
    """A header name whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        """Give the bad bytes."""
        return BAD


def foreign(codec: int) -> Any:
    """Give a batch builder that does not look at what it is given."""
    return _DefaultRecordBatchBuilderPy(
        2, codec, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0, batch_size=1 << 20
    )


def batch() -> bytes:
    """Give three records of which the second has the bad name."""
    builder = foreign(0)
    for number, name in enumerate(("fine", RawName("bad"), "fine too")):
        builder.append(number, 1, key=b"k", value=str(number).encode(), headers=[(name, b"v")])
    return bytes(builder.build())


def test_the_plain_reader_still_needs_this() -> None:
    """When aiokafka can read such a batch, shared/tolerant.py should go."""
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(batch()).next_batch())


def test_all_three_records_are_read_once_each() -> None:
    """The bad name is replaced, its value and its neighbours are whole."""
    records = tolerant.TolerantRecords(batch())
    read = list(records.next_batch())
    assert [record.value for record in read] == [b"0", b"1", b"2"]
    assert read[1].headers == [("\ufffd\ufffdname", b"v")]
    assert not records.has_next()


async def test_a_consumer_reads_past_it(kafka: str) -> None:
    """Whatever the codec, the record and its neighbours arrive."""
    tolerant.install()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic("tolerant", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for codec in CODECS:
            builder = producer.create_batch()
            builder._builder = foreign(codec)
            for name in ("fine", RawName("bad"), "fine"):
                builder.append(timestamp=None, key=b"k", value=b"hello", headers=[(name, b"v")])
            await (await producer.send_batch(builder, "tolerant", partition=0))
    values: list[bytes | None] = []
    async with AIOKafkaConsumer("tolerant", bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        while len(values) < 3 * len(CODECS):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                values += [record.value for record in records]
    assert values == [b"hello"] * 3 * len(CODECS)
