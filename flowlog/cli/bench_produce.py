"""The load of `flowlog bench produce`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import ClientError, client_error

from .bench_clients import Report, bench_producer
from .bench_statistics import Latencies, Throttle, rates

_SERVE_EVERY: Final = 64
"""Records between two looks at deliveries."""
_FULL_S: Final = 0.01


class ProduceLoad:
    """Writes records as fast as it can or at a rate; latency is from the call to its answer."""

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        num_records: int,
        warmup_records: int,
        throughput: float,
        report: Report,
        reporting_interval_s: float,
    ) -> None:
        cluster.partitions_of(topic)
        self._topic = topic
        self._num_records = num_records
        self._warmup_records = warmup_records
        self._throughput = throughput
        self._report = report
        self._interval_s = reporting_interval_s
        self._timeout_s = cluster.timeout_s
        self._producer = bench_producer(cluster, self._delivered)
        self._answered = 0
        self._size_bytes = 0
        self.failed_count = 0
        self.first_error: ClientError | None = None
        self._latencies = Latencies(num_records - warmup_records)
        self._window = Latencies(0)
        self._window_started_s = 0.0

    def run(self, payloads: Iterator[bytes]) -> dict[str, Any]:
        """Write all, wait for all answers, and say what was measured behind the warm-up."""
        self._window_started_s = time.perf_counter()
        if self._warmup_records:
            self._send(payloads, self._warmup_records)
            self._producer.flush(self._timeout_s)
        started_s = time.perf_counter()
        self._send(payloads, self._num_records - self._warmup_records)
        unanswered = self._producer.flush(self._timeout_s)
        self.failed_count += unanswered
        seconds = time.perf_counter() - started_s
        return {
            "records": self._latencies.count,
            "failed": self.failed_count,
            "seconds": round(seconds, 3),
            **rates(self._latencies.count, self._size_bytes, seconds),
            **self._latencies.summary(),
        }

    def _send(self, payloads: Iterator[bytes], count: int) -> None:
        throttle = Throttle(self._throughput, time.perf_counter())
        is_throttled = self._throughput > 0
        for number, payload in enumerate(islice(payloads, count), start=1):
            self._write(payload)
            wait_s = throttle.wait_s(number, time.perf_counter()) if is_throttled else 0.0
            if wait_s or not number % _SERVE_EVERY:
                self._producer.poll(wait_s)
                self._maybe_report()

    def _write(self, payload: bytes) -> None:
        from confluent_kafka import KafkaException

        while True:
            try:
                self._producer.produce(self._topic, payload)
                return
            except BufferError:
                self._producer.poll(_FULL_S)
                self._maybe_report()
            except KafkaException as error:  # Such as a record that is too large.
                raise client_error(error.args[0], f"write to {self._topic!r}") from None

    def _delivered(self, error: Any, message: Any) -> None:
        self._answered += 1
        if error is not None:
            self.failed_count += 1
            if self.first_error is None:
                self.first_error = client_error(error, f"write to {self._topic!r}")
            return
        latency_s = message.latency() or 0.0
        self._window.add(latency_s)
        if self._answered > self._warmup_records:
            self._latencies.add(latency_s)
            self._size_bytes += len(message)

    def _maybe_report(self) -> None:
        now_s = time.perf_counter()
        seconds = now_s - self._window_started_s
        if seconds < self._interval_s:
            return
        window = self._window
        self._window, self._window_started_s = Latencies(0), now_s
        mean_ms = 1000 * window.total_s / max(1, window.count)
        self._report(
            f"{window.count:,} records, {window.count / seconds:,.0f} records/s, "
            f"{mean_ms:.1f} ms average, {1000 * window.max_s:.1f} ms maximum"
        )
