"""The load of `flowlog bench consume`."""

from __future__ import annotations

import time
from typing import Any, Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import client_error

from .bench_clients import Report, bench_consumer
from .bench_statistics import BYTES_PER_MB, rates

_BATCH: Final = 1000


def consume_load(
    cluster: Cluster,
    topic: str,
    *,
    num_records: int,
    group: str | None,
    from_latest: bool,
    report: Report,
    reporting_interval_s: float,
) -> dict[str, Any]:
    """Read `num_records`, as a group's member or each partition by itself; ends early when no
    record comes for the cluster's time limit, and then `timed_out` is true.
    """
    partitions = cluster.partitions_of(topic)
    assigned_s: list[float] = []
    started_s = time.perf_counter()
    consumer = bench_consumer(cluster, group=group, from_latest=from_latest)
    try:
        if group is None:
            _assign(consumer, topic, partitions, from_latest=from_latest)
            assigned_s.append(started_s)
        else:
            consumer.subscribe(
                [topic], on_assign=lambda _c, _p: assigned_s.append(time.perf_counter())
            )
        count, size_bytes, last_s = _drain(
            consumer, num_records, cluster.timeout_s, report, reporting_interval_s
        )
    finally:
        consumer.close()
    ended_s = last_s or time.perf_counter()
    first_s = assigned_s[0] if assigned_s else ended_s
    return {
        "records": count,
        "mb": round(size_bytes / BYTES_PER_MB, 3),
        "seconds": round(ended_s - started_s, 3),
        **rates(count, size_bytes, ended_s - started_s),
        "rebalance_ms": round((first_s - started_s) * 1000, 3),
        "fetch_ms": round((ended_s - first_s) * 1000, 3),
        **rates(count, size_bytes, ended_s - first_s, "fetch_"),
        "timed_out": count < num_records,
    }


def _drain(
    consumer: Any, num_records: int, idle_s: float, report: Report, interval_s: float
) -> tuple[int, int, float]:
    """Records and bytes read, and when the last one came (0: none did)."""
    count = size_bytes = reported = 0
    last_s = 0.0
    idle_since_s = window_s = time.perf_counter()
    while count < num_records:
        messages = consumer.consume(min(_BATCH, num_records - count), 0.1)
        now_s = time.perf_counter()
        for message in messages:
            error = message.error()
            if error is None:
                count += 1
                size_bytes += len(message) + len(message.key() or b"")
                last_s = idle_since_s = now_s
            elif error.fatal() or not error.retriable():
                raise client_error(error, "read records")
        if now_s - idle_since_s > idle_s:
            break
        if now_s - window_s >= interval_s:
            report(f"{count:,} records, {(count - reported) / (now_s - window_s):,.0f} records/s")
            reported, window_s = count, now_s
    return count, size_bytes, last_s


def _assign(consumer: Any, topic: str, partitions: tuple[int, ...], *, from_latest: bool) -> None:
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition

    offset = OFFSET_END if from_latest else OFFSET_BEGINNING
    consumer.assign([TopicPartition(topic, number, offset) for number in partitions])
