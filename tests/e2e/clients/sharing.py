"""Members of share groups (KIP-932), of the libraries that have them: librdkafka's and Java's."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol

import confluent_kafka as ck

from tests.e2e.clients.bridge import Bridge
from tests.e2e.clients.confluent import ConfluentClient
from tests.e2e.clients.java import JavaClient
from tests.e2e.clients.model import ClientError

LIBRARIES: Final = (ConfluentClient.name, JavaClient.name)
_TURN_S: Final = 0.2


class Verdict(IntEnum):
    """What a member says of a record, as the wire has it."""

    ACCEPT = 1
    RELEASE = 2
    REJECT = 3


@dataclass(frozen=True, slots=True)
class Shared:
    """A record that a member has for a while, and the how manieth time it was handed out."""

    topic: str
    partition: int
    offset: int
    value: bytes
    delivery_count: int


class ShareMember(Protocol):
    """One running member. `explicit` ones say a verdict for each record before they poll again."""

    def poll(self, timeout_s: float) -> list[Shared]:
        """Take part for up to `timeout_s`; what the last poll gave is accepted unless explicit."""

    def acknowledge(self, record: Shared, verdict: Verdict) -> None: ...

    def commit(self) -> None:
        """Send the verdicts and wait; raises `ClientError` if one was refused."""

    def close(self) -> None:
        """Send the verdicts, give back the rest, leave the group; once more does nothing."""


def join_share_group(
    client: ConfluentClient | JavaClient,
    bootstrap: str,
    group: str,
    topics: Sequence[str],
    *,
    explicit: bool,
) -> ShareMember:
    """A new member of the client's own kind."""
    mode = "explicit" if explicit else "implicit"
    if isinstance(client, JavaClient):
        return JavaShareMember(client.bridge, group, topics, mode)
    return ConfluentShareMember(bootstrap, group, topics, mode)


class ConfluentShareMember:
    """librdkafka's share consumer."""

    def __init__(self, bootstrap: str, group: str, topics: Sequence[str], mode: str) -> None:
        self._consumer = ck.ShareConsumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "share.acknowledgement.mode": mode,
                "log_level": 3,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 200,
            }
        )
        self._consumer.subscribe(list(topics))

    def poll(self, timeout_s: float) -> list[Shared]:
        found = []
        for message in self._consumer.poll(timeout_s):
            if message.error() is not None:
                raise ClientError(message.error().str(), code=message.error().code())
            where = message.topic(), message.partition(), message.offset()
            found.append(Shared(*where, message.value(), message.delivery_count()))
        return found

    def acknowledge(self, record: Shared, verdict: Verdict) -> None:
        kind = ck.AcknowledgeType(verdict)
        self._consumer.acknowledge_offset(record.topic, record.partition, record.offset, kind)

    def commit(self) -> None:
        for failure in self._consumer.commit_sync(20.0).values():
            if failure is not None:
                error: Any = failure.args[0]
                raise ClientError(error.str(), code=error.code())

    def close(self) -> None:
        self._consumer.close()


class JavaShareMember:
    """`KafkaShareConsumer` in the driver's JVM, by its number."""

    def __init__(self, bridge: Bridge, group: str, topics: Sequence[str], mode: str) -> None:
        self._bridge = bridge
        self._number = bridge.call("shareJoin", group=group, topics=list(topics), mode=mode)
        self._is_closed = False

    def poll(self, timeout_s: float) -> list[Shared]:
        rows = self._bridge.call("sharePoll", member=self._number, timeout_ms=int(timeout_s * 1000))
        return [
            Shared(topic, partition, offset, base64.b64decode(value), count)
            for topic, partition, offset, value, count in rows
        ]

    def acknowledge(self, record: Shared, verdict: Verdict) -> None:
        self._bridge.call(
            "shareAcknowledge",
            member=self._number,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            verdict=verdict.name,
        )

    def commit(self) -> None:
        self._bridge.call("shareCommit", member=self._number)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._bridge.call("shareLeave", member=self._number)


def poll_shared(member: ShareMember, count: int, *, deadline_s: float = 30.0) -> list[Shared]:
    """Poll until `count` records came; with an explicit member all must come in one poll."""
    found: list[Shared] = []
    deadline = time.monotonic() + deadline_s
    while len(found) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(found)} of {count} records arrived: {found[:3]}...")
        found += member.poll(_TURN_S)
    return found
