"""A library in a process of another language, behind JSON lines: the same vocabulary for all.

A driver program (`kafkajs/bridge.js`, `java/Driver.java`, `franz/main.go`) answers one request a
line; a running member of a group reports its records and its assignment in between.
"""

from __future__ import annotations

import base64
import itertools
import queue
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tests.e2e.clients.bridge import Bridge
from tests.e2e.clients.model import (
    STATIC_MEMBERS,
    ClientError,
    GroupDescription,
    Incoming,
    Outgoing,
    Partition,
    Sent,
)


class DriverClient:
    """`model.Client` over a driver program; a subclass starts it and says what the library lacks."""

    name: ClassVar[str]
    lacks: ClassVar[frozenset[str]]

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @property
    def bridge(self) -> Bridge:
        """The driver, for what only some libraries can be asked."""
        return self._bridge

    def produce(
        self,
        topic: str,
        records: Sequence[Outgoing],
        *,
        codec: str = "none",
        acks: str = "all",
        idempotent: bool = False,
        batch_bytes: int = 500_000,
    ) -> list[Sent]:
        sent = self._bridge.call(
            "produce",
            topic=topic,
            records=[_as_json(record) for record in records],
            codec=codec,
            acks=acks,
            idempotent=idempotent,
            batch_bytes=batch_bytes,
        )
        return list(itertools.starmap(Sent, sent))

    def read(
        self, topic: str, partition: int, *, offset: int, count: int, committed_only: bool = False
    ) -> list[Incoming]:
        found = self._bridge.call(
            "read",
            topic=topic,
            partition=partition,
            offset=offset,
            count=count,
            group=f"reader-{uuid.uuid4().hex[:8]}",
            committed_only=committed_only,
        )
        if len(found) < count:
            raise TimeoutError(f"{len(found)} of {count} records arrived: {found[:3]}...")
        return [_incoming(record) for record in found]

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        return {row["partition"]: int(row["low"]) for row in self._offsets(topic)}

    def end_offsets(self, topic: str) -> dict[int, int]:
        return {row["partition"]: int(row["high"]) for row in self._offsets(topic)}

    def offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        found = self._bridge.call("offsetsForTime", topic=topic, timestamp_ms=timestamp_ms)
        return {
            row["partition"]: None if int(row["offset"]) < 0 else int(row["offset"])
            for row in found
        }

    def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
        protocol: str = "classic",
    ) -> DriverMember:
        assert instance_id is None or STATIC_MEMBERS not in self.lacks
        number = self._bridge.call(
            "join",
            group=group,
            topics=list(topics),
            session_timeout_ms=session_timeout_ms,
            committed_only=True,
            instance_id=instance_id,
            protocol=protocol,
        )
        return DriverMember(self._bridge, number)

    def commit_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        rows: dict[str, list[dict[str, object]]] = {}
        for (topic, partition), offset in offsets.items():
            rows.setdefault(topic, []).append({"partition": partition, "offset": str(offset)})
        for topic, partitions in rows.items():
            self._bridge.call("commitOffsets", group=group, topic=topic, partitions=partitions)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        rows = self._bridge.call("committed", group=group, topic=topic)
        return {row["partition"]: int(row["offset"]) for row in rows if int(row["offset"]) >= 0}

    def topics(self) -> dict[str, int]:
        found = dict(self._bridge.call("topics"))
        return {name: count for name, count in found.items() if not name.startswith("__")}

    def create_topic(
        self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None:
        created = self._bridge.call(
            "createTopic", topic=topic, partitions=partitions, configs=dict(configs or {})
        )
        if not created:  # KafkaJS says false where others raise TOPIC_ALREADY_EXISTS.
            raise ClientError(f"topic {topic} already exists", code=36)

    def delete_topic(self, topic: str) -> None:
        self._bridge.call("deleteTopic", topic=topic)

    def create_partitions(self, topic: str, total_count: int) -> None:
        self._bridge.call("createPartitions", topic=topic, count=total_count)

    def topic_configs(self, topic: str) -> dict[str, str | None]:
        return dict(self._bridge.call("configs", topic=topic))

    def set_topic_config(self, topic: str, key: str, value: str) -> None:
        self._bridge.call("setConfig", topic=topic, key=key, value=value)

    def groups(self) -> set[str]:
        return set(self._bridge.call("groups"))

    def describe_group(self, group: str) -> GroupDescription:
        return GroupDescription(*self._bridge.call("describeGroup", group=group))

    def delete_group(self, group: str) -> None:
        self._bridge.call("deleteGroup", group=group)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        self._bridge.call(
            "deleteRecords", topic=topic, partition=partition, offset=str(before_offset)
        )

    def transactional(
        self, transactional_id: str, *, timeout_ms: int = 30_000
    ) -> DriverTransactional:
        number = self._bridge.call(
            "txnOpen", transactional_id=transactional_id, timeout_ms=timeout_ms
        )
        return DriverTransactional(self._bridge, number)

    def close(self) -> None:
        self._bridge.close()

    def _offsets(self, topic: str) -> list[dict[str, Any]]:
        return list(self._bridge.call("offsets", topic=topic))


class DriverTransactional:
    """A transactional producer in the driver, by its number."""

    def __init__(self, bridge: Bridge, number: int) -> None:
        self._bridge = bridge
        self._number = number

    def begin(self) -> None:
        self._bridge.call("txnBegin", producer=self._number)

    def send(self, topic: str, records: Sequence[Outgoing]) -> None:
        rows = [_as_json(record) for record in records]
        self._bridge.call("txnSend", producer=self._number, topic=topic, records=rows)

    def send_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        rows = [[topic, partition, offset] for (topic, partition), offset in offsets.items()]
        self._bridge.call("txnOffsets", producer=self._number, group=group, offsets=rows)

    def commit(self) -> None:
        self._bridge.call("txnCommit", producer=self._number)

    def abort(self) -> None:
        self._bridge.call("txnAbort", producer=self._number)

    def close(self) -> None:
        self._bridge.call("txnClose", producer=self._number)


class DriverMember:
    """A member that runs in the driver; what it reports waits here in a queue."""

    def __init__(self, bridge: Bridge, number: int) -> None:
        self._bridge = bridge
        self._number = number
        self._records: queue.Queue[Incoming] = queue.Queue()
        self._assignment: frozenset[Partition] = frozenset()
        bridge.listen(number, self._on_event)

    def poll(self, timeout_s: float) -> list[Incoming]:
        found: list[Incoming] = []
        deadline = time.monotonic() + timeout_s
        while not found and (left := deadline - time.monotonic()) > 0:
            try:
                found.append(self._records.get(timeout=left))
            except queue.Empty:
                break
        while not self._records.empty():
            found.append(self._records.get())
        return found

    def assignment(self) -> frozenset[Partition]:
        return self._assignment

    def commit(self) -> None:
        self._bridge.call("commit", member=self._number)

    def close(self) -> None:
        self._bridge.call("leave", member=self._number)

    def _on_event(self, event: dict[str, Any]) -> None:
        if "record" in event:
            self._records.put(_incoming(event["record"]))
        else:
            self._assignment = frozenset((topic, p) for topic, p in event["assignment"])


def _as_json(record: Outgoing) -> dict[str, Any]:
    return {
        "key": _encode(record.key),
        "value": _encode(record.value),
        "headers": [[name, _encode(value)] for name, value in record.headers],
        "timestamp_ms": record.timestamp_ms,
        "partition": record.partition,
    }


def _incoming(record: Mapping[str, Any]) -> Incoming:
    return Incoming(
        topic=record["topic"],
        partition=record["partition"],
        offset=record["offset"],
        key=_decode(record["key"]),
        value=_decode(record["value"]),
        headers=tuple((name, _decode(value)) for name, value in record["headers"]),
        timestamp_ms=record["timestamp_ms"],
    )


def _encode(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _decode(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
