"""The load of `flowlog bench latency`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import ClientError, client_error
from flowlog.client.offsets import Partition, end_offsets
from flowlog.errors import FlowlogError

from .bench_clients import bench_consumer, bench_producer
from .bench_statistics import Latencies, rates

PAYLOAD_MIN_BYTES: Final = 12
"""Four letters of this run, eight of the record."""
_READY_POLL_S: Final = 0.05
_NO_LEADER_YET: Final = frozenset({"NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE"})


def latency_load(
    cluster: Cluster,
    topic: str,
    *,
    num_records: int,
    warmup_records: int,
    record_size: int,
    acks: str,
) -> dict[str, Any]:
    """Write one record, read it, write the next; the latency is from the call to the record.

    Raises:
        ClientError: a record could not be written, or did not come within the time limit.
    """
    partitions = [Partition(topic, number) for number in cluster.partitions_of(topic)]
    ends = _ends(cluster, partitions)
    failures: list[ClientError] = []

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            failures.append(client_error(error, f"write to {topic!r}"))

    own = {} if "acks" in cluster.settings.properties else {"acks": acks}
    producer = bench_producer(cluster, delivered, **{"linger.ms": 0, **own})
    consumer = bench_consumer(cluster, group=None, from_latest=True)
    latencies = Latencies(num_records)
    mark = secrets.token_hex(2)
    try:
        _assign_at(consumer, ends)
        started_s = 0.0
        for number in range(-warmup_records, num_records):
            if number == 0:
                started_s = time.perf_counter()
            payload = f"{mark}{number & 0xFFFFFFFF:08x}".encode().ljust(record_size, b"x")
            sent_s = time.perf_counter()
            producer.produce(topic, payload)
            _wait_for(consumer, producer, payload, failures, cluster.timeout_s)
            if number >= 0:
                latencies.add(time.perf_counter() - sent_s)
        seconds = time.perf_counter() - started_s
        producer.flush(cluster.timeout_s)
    finally:
        consumer.close()
    return {
        "records": num_records,
        "record_size": record_size,
        "seconds": round(seconds, 3),
        **rates(num_records, num_records * record_size, seconds),
        **latencies.summary(),
    }


def _ends(cluster: Cluster, partitions: list[Partition]) -> dict[Partition, int]:
    """Where the partitions end; those of a topic just made may have no leader for a moment."""
    deadline_s = time.perf_counter() + cluster.timeout_s
    while True:
        try:
            return end_offsets(cluster, partitions)
        except ClientError as error:
            if error.code not in _NO_LEADER_YET or time.perf_counter() >= deadline_s:
                raise
        time.sleep(_READY_POLL_S)


def _assign_at(consumer: Any, ends: Mapping[Partition, int]) -> None:
    from confluent_kafka import TopicPartition

    consumer.assign([TopicPartition(p.topic, p.number, offset) for p, offset in ends.items()])
    consumer.poll(_READY_POLL_S)


def _wait_for(
    consumer: Any, producer: Any, payload: bytes, failures: list[ClientError], timeout_s: float
) -> None:
    """Return when the record came; others' records are passed over."""
    deadline_s = time.perf_counter() + timeout_s
    while time.perf_counter() < deadline_s:
        message = consumer.poll(min(0.1, timeout_s))
        producer.poll(0)
        if failures:
            raise failures[0]
        if message is None:
            continue
        error = message.error()
        if error is None:
            if message.value() == payload:
                return
        elif error.fatal() or not error.retriable():
            raise client_error(error, "read records")
    raise FlowlogError(f"a record did not come back within {timeout_s:g} s", code="TIMED_OUT")
