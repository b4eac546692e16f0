"""Run one program over a topic that is full already, until all answers are out; time it.

The clock starts when the first event reaches the user's function and stops at the append time
of the last answer, which the broker notes (`message.timestamp.type=LogAppendTime`): the same
for every framework, and nothing watches while it runs but one offset request now and then.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.streams.events import PARTITION_COUNT, answers, normalised, publish
from benchmarks.streams.frameworks import Framework

_ASK_EVERY_S = 0.25


class Lines(Protocol):
    """The standard output of a running program."""

    def __iter__(self) -> Any: ...


def drain(
    framework: Framework, job: str, bootstrap: str, count: int, *, deadline_s: float
) -> float:
    """Run `job` over `count` events; return events per second.

    Raises:
        TimeoutError: not done by then.
        RuntimeError: the program ended by itself, or its answers are wrong.
    """
    name = f"{job}-{uuid4().hex[:8]}"
    source, target = f"{name}-events", f"{name}-answers"
    _create_topics(bootstrap, source, target)
    total = publish(bootstrap, source, count)
    with tempfile.TemporaryDirectory(prefix="flowlog-bench-") as folder:
        arguments = [job, bootstrap, source, target, name, folder]
        first_s = _run(framework, arguments, bootstrap, name, source, total, deadline_s)
    records, last_s = _read_all(bootstrap, target)
    found, wanted = normalised(job, records), answers(job, count)
    if found != wanted:
        missing, extra = wanted - found, found - wanted
        raise RuntimeError(
            f"{framework.name} {job}: {missing.total()} answers missing, {extra.total()} wrong, "
            f"such as {next(iter(missing), None)} and {next(iter(extra), None)}"
        )
    return total / (last_s - first_s)


def _run(
    framework: Framework,
    arguments: list[str],
    bootstrap: str,
    group: str,
    source: str,
    total: int,
    deadline_s: float,
) -> float:
    """Run until everything is committed; return when the first event came."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*framework.command(), *arguments],
            cwd=Path(__file__).parent.parent.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        firsts: list[float] = []
        assert process.stdout is not None
        reader = threading.Thread(target=_listen, args=(process.stdout, firsts))
        reader.start()
        try:
            _wait_committed(process, bootstrap, group, source, total, deadline_s)
        except Exception as error:
            errors.seek(0)
            raise type(error)(f"{framework.name}: {error}\n{errors.read()[-3000:]}") from error
        finally:
            _end(process)
            reader.join()
            process.stdout.close()
    if not firsts:
        raise RuntimeError(f"{framework.name} never said that it had begun")
    return firsts[0]


def _listen(lines: Lines, firsts: list[float]) -> None:
    for line in lines:
        found = re.match(r"first ([\d.]+)", line)
        if found:
            firsts.append(float(found[1]))


def _wait_committed(
    process: subprocess.Popen[str],
    bootstrap: str,
    group: str,
    source: str,
    total: int,
    deadline_s: float,
) -> None:
    consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    partitions = [ck.TopicPartition(source, p) for p in range(PARTITION_COUNT)]
    deadline = time.monotonic() + deadline_s
    try:
        while True:
            found = [p.offset for p in consumer.committed(partitions, timeout=30)]
            if sum(max(0, offset) for offset in found) >= total:
                return
            if process.poll() is not None:
                raise RuntimeError(f"ended with code {process.returncode}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"committed {found} of {total} after {deadline_s} s")
            time.sleep(_ASK_EVERY_S)
    finally:
        consumer.close()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _create_topics(bootstrap: str, source: str, target: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    append_time = {"message.timestamp.type": "LogAppendTime"}
    # The events lie in the past: without this they would be old enough to be deleted.
    kept = {"retention.ms": "-1"}
    new = [
        NewTopic(source, PARTITION_COUNT, 1, config=kept),
        NewTopic(target, PARTITION_COUNT, 1, config=append_time),
    ]
    for future in admin.create_topics(new).values():
        future.result(30)


def _read_all(bootstrap: str, topic: str) -> tuple[list[tuple[bytes, bytes]], float]:
    """Every answer's key and value, and when the last one was appended."""
    consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "log_level": 0})
    records: list[tuple[bytes, bytes]] = []
    last_ms = 0
    try:
        positions = [ck.TopicPartition(topic, p, 0) for p in range(PARTITION_COUNT)]
        total = sum(consumer.get_watermark_offsets(p, timeout=30)[1] for p in positions)
        consumer.assign(positions)
        while len(records) < total:
            batch = consumer.consume(10_000, 10)
            if not batch:
                raise TimeoutError(f"read {len(records)} of {total} answers")
            for message in batch:
                records.append((message.key(), message.value()))
                last_ms = max(last_ms, message.timestamp()[1])
    finally:
        consumer.close()
    return records, last_ms / 1000
