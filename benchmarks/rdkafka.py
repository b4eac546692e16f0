"""librdkafka's C functions, taken from the library inside confluent-kafka.

Python's own calls cost about a microsecond a record, which is the broker's own order: producing
whole arrays and consuming with a C callback leaves only librdkafka and the broker.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import confluent_kafka

from benchmarks.measured import Measured

_PRODUCER, _CONSUMER = 0, 1
_CHUNK = 10_000
_DEADLINE_S = 120.0


class _Message(ctypes.Structure):
    """`rd_kafka_message_t`."""

    _fields_ = (
        ("err", ctypes.c_int),
        ("rkt", ctypes.c_void_p),
        ("partition", ctypes.c_int32),
        ("payload", ctypes.c_char_p),
        ("len", ctypes.c_size_t),
        ("key", ctypes.c_void_p),
        ("key_len", ctypes.c_size_t),
        ("offset", ctypes.c_int64),
        ("private", ctypes.c_void_p),
    )


class LibraryMissingError(Exception):
    """confluent-kafka was built without a librdkafka of its own beside it."""


def _load() -> Any:
    package = Path(confluent_kafka.__file__).parent
    found = sorted((package.parent / "confluent_kafka.libs").glob("librdkafka*"))
    if not found:
        raise LibraryMissingError("no librdkafka in confluent_kafka.libs")
    library = ctypes.CDLL(str(found[0]))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    library.rd_kafka_conf_new.restype = pointer
    library.rd_kafka_conf_set.argtypes = [pointer, text, text, text, ctypes.c_size_t]
    library.rd_kafka_new.restype = pointer
    library.rd_kafka_new.argtypes = [ctypes.c_int, pointer, text, ctypes.c_size_t]
    library.rd_kafka_topic_new.restype = pointer
    library.rd_kafka_topic_new.argtypes = [pointer, text, pointer]
    library.rd_kafka_produce_batch.argtypes = [
        pointer,
        ctypes.c_int32,
        ctypes.c_int,
        ctypes.POINTER(_Message),
        ctypes.c_int,
    ]
    library.rd_kafka_poll.argtypes = [pointer, ctypes.c_int]
    library.rd_kafka_flush.argtypes = [pointer, ctypes.c_int]
    library.rd_kafka_outq_len.argtypes = [pointer]
    library.rd_kafka_topic_destroy.argtypes = [pointer]
    library.rd_kafka_destroy.argtypes = [pointer]
    library.rd_kafka_queue_new.restype = pointer
    library.rd_kafka_queue_new.argtypes = [pointer]
    library.rd_kafka_queue_destroy.argtypes = [pointer]
    library.rd_kafka_consume_start_queue.argtypes = [
        pointer,
        ctypes.c_int32,
        ctypes.c_int64,
        pointer,
    ]
    library.rd_kafka_consume_stop.argtypes = [pointer, ctypes.c_int32]
    library.rd_kafka_consume_callback_queue.argtypes = [pointer, ctypes.c_int, pointer, pointer]
    return library


class _Handle:
    """A producer or consumer on one topic."""

    def __init__(self, kind: int, port: int, topic: str, settings: Mapping[str, str]) -> None:
        self.library = _load()
        conf = self.library.rd_kafka_conf_new()
        error = ctypes.create_string_buffer(512)
        common = {"bootstrap.servers": f"127.0.0.1:{port}", "log_level": "3"}
        for name, value in {**common, **settings}.items():
            if self.library.rd_kafka_conf_set(conf, name.encode(), value.encode(), error, 512):
                raise ValueError(error.value.decode())
        self.kafka = self.library.rd_kafka_new(kind, conf, error, 512)
        if not self.kafka:
            raise ValueError(error.value.decode())
        self.topic = self.library.rd_kafka_topic_new(self.kafka, topic.encode(), None)

    def close(self) -> None:
        self.library.rd_kafka_topic_destroy(self.topic)
        self.library.rd_kafka_destroy(self.kafka)


def produce(
    port: int,
    topic: str,
    *,
    partitions: int,
    value_bytes: int,
    total: int,
    acks: str,
    settings: Mapping[str, str] | None = None,
) -> Measured:
    """Produce `total` records in batches of up to 1 MB, or as `settings` say.

    Delivery is not reported: the caller compares the end offsets.
    """
    defaults = {
        "acks": acks,
        "linger.ms": "5",
        "batch.size": "1000000",
        "batch.num.messages": "100000",
        "queue.buffering.max.messages": "500000",
        "queue.buffering.max.kbytes": "1000000",
    }
    handle = _Handle(_PRODUCER, port, topic, {**defaults, **(settings or {})})
    value = b"x" * value_bytes
    chunk = (_Message * _CHUNK)()
    for message in chunk:
        message.payload, message.len = value, value_bytes
    before = time.perf_counter()
    try:
        _enqueue(handle, chunk, partitions, total)
        if handle.library.rd_kafka_flush(handle.kafka, int(_DEADLINE_S * 1000)):
            raise TimeoutError(f"not all of {total} records were acknowledged")
        return Measured.of(total, time.perf_counter() - before)
    finally:
        handle.close()


def _enqueue(handle: _Handle, chunk: Any, partitions: int, total: int) -> None:
    """Hand over all records; where the queue is full, wait until some are acknowledged."""
    done = turn = 0
    while done < total:
        wanted = min(_CHUNK, total - done)
        taken = handle.library.rd_kafka_produce_batch(
            handle.topic, turn % partitions, 0, chunk, wanted
        )
        done += taken
        turn += 1
        if taken < wanted:
            handle.library.rd_kafka_poll(handle.kafka, 5)


def consume(port: int, topic: str, *, partitions: int, total: int) -> Measured:
    """Consume `total` records from the beginning; each reaches a C function that does nothing."""
    handle = _Handle(_CONSUMER, port, topic, {"group.id": "bench", "fetch.wait.max.ms": "100"})
    library = handle.library
    queue = library.rd_kafka_queue_new(handle.kafka)
    ignore = ctypes.cast(library.rd_kafka_message_status, ctypes.c_void_p)
    got, deadline = 0, time.perf_counter() + _DEADLINE_S
    before = time.perf_counter()
    try:
        for partition in range(partitions):
            library.rd_kafka_consume_start_queue(handle.topic, partition, 0, queue)
        while got < total:
            got += max(0, library.rd_kafka_consume_callback_queue(queue, 100, ignore, None))
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{got} of {total} records came")
        return Measured.of(got, time.perf_counter() - before)
    finally:
        for partition in range(partitions):
            library.rd_kafka_consume_stop(handle.topic, partition)
        library.rd_kafka_queue_destroy(queue)
        handle.close()
