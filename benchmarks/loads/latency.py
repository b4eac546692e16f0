"""From `produce` in one thread to `poll` in another: the time a record takes end to end."""

from __future__ import annotations

import threading
import time
from typing import Any

import confluent_kafka as ck

from benchmarks.measured import Measured


def end_to_end(port: int, topic: str, *, rate: int, seconds: float) -> Measured:
    """Produce `rate` records a second, each with the time in it; measure when it is consumed.

    librdkafka on both sides, linger 0, acks=1, one partition. The first second warms up.
    """
    count = int(rate * (seconds + 1))
    consumer = _consumer(port, topic)
    producer = ck.Producer(
        {"bootstrap.servers": f"127.0.0.1:{port}", "linger.ms": 0, "acks": 1, "log_level": 3}
    )
    sender = threading.Thread(target=_send_at_rate, args=(producer, topic, rate, count))
    waits_ns: list[int] = []
    try:
        sender.start()
        while len(waits_ns) < count:
            message = consumer.poll(30)
            if message is None or message.error():
                raise RuntimeError(f"record {len(waits_ns)} did not come: {message}")
            waits_ns.append(time.perf_counter_ns() - int(message.value()))
    finally:
        sender.join()
        consumer.close()
    return Measured.of(count, count / rate, waits_ns[rate:])


def _consumer(port: int, topic: str) -> Any:
    consumer = ck.Consumer(
        {"bootstrap.servers": f"127.0.0.1:{port}", "group.id": "latency", "log_level": 3}
    )
    consumer.assign([ck.TopicPartition(topic, 0, 0)])
    consumer.poll(0.5)  # The first fetch is under way before the first record is sent.
    return consumer


def _send_at_rate(producer: Any, topic: str, rate: int, count: int) -> None:
    start_ns = time.perf_counter_ns()
    for number in range(count):
        wait_s = (start_ns + number * 1_000_000_000 // rate - time.perf_counter_ns()) / 1e9
        if wait_s > 0:
            time.sleep(wait_s)
        producer.produce(topic, value=str(time.perf_counter_ns()), partition=0)
        producer.poll(0)
    producer.flush(30)
