"""Plays a story of a group in which some members still speak the classic protocol.

    classic-join o            JoinGroup with the id that it has; it gives up what it has before that
    classic-join o owns=t:01  a cooperative one keeps what it has while it joins again
    classic-sync o            SyncGroup; the leader of a classic group says `gives=o:t:01/p:t:23`
    classic-heartbeat o       with the last generation that it heard of
    classic-leave o
    classic-join o as=i1      a static member; one that restarted says `restarted`, and has a new id

All else is said as in `consumer_group_story`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Reply
from flowlog.broker.groups.consumer_protocol import decode_assignment, encode_assignment
from flowlog.broker.groups.requests import JoinResult, Leaving, Protocol, SyncResult

from .consumer_group_story import ConsumerGroupStory, by_name, in_words, words_for


class MixedGroupStory(ConsumerGroupStory):
    """One group of whatever protocol it is just now; to classic members epochs are generations."""

    def __init__(self, **config: int) -> None:
        super().__init__(**({"initial_rebalance_delay_ms": 0} | config))

    def do_classic_join(self, name: str, *words: str, **options: str) -> None:
        if "as" in options:
            self.instances[name] = options["as"]
        metadata = subscription(options.get("topics", "t"), options.get("owns", "nothing"))
        protocol = "cooperative-sticky" if "owns" in options else "range"
        request = self.world.join_request(
            "" if "restarted" in words else self.ids.get(name, ""),
            self.instances.get(name),
            session_timeout_ms=int(options.get("session", 45_000)),
            rebalance_timeout_ms=int(options.get("rebalance", 60_000)),
            protocols=(Protocol(protocol, metadata),),
            new_member_id=self.ids[name] + "'" if name in self.ids else name,
        )
        answer = self.world.write(self.world.shard.join(request, self.world.now))
        self._tell(name, answer, self._joined)

    def do_classic_sync(self, name: str, **options: str) -> None:
        gives = (part.split(":", 1) for part in options.get("gives", "").split("/") if part)
        assignments = {self.ids[who]: encode_assignment(by_name(p), 1) for who, p in gives}
        answer = self.world.sync(
            self.ids[name], self.epochs[name], assignments, self.instances.get(name)
        )
        self._tell(name, answer, self._synced)

    def do_classic_heartbeat(self, name: str) -> None:
        instance = self.instances.get(name)
        error = self.world.heartbeat(self.ids[name], self.epochs[name], instance)
        self.events.append(f"{name}: {words_for(error, 'alive')}")

    def do_classic_leave(self, name: str) -> None:
        left = self.world.leave(Leaving(self.ids[name])).members[0]
        self.events.append(f"{name}: {words_for(left.error, 'left')}")

    def _tell(self, name: str, answer: Any, words: Callable[[str, Any], str]) -> None:
        if isinstance(answer, Reply):
            self.events.append(f"{name}: parked")
            answer.listen(lambda: self.events.append(words(name, answer.value)))
        else:
            self.events.append(words(name, answer))

    def _joined(self, name: str, result: JoinResult) -> str:
        if result.member_id:
            self.ids[name] = result.member_id
        if result.error is not ErrorCode.none:
            return f"{name}: {words_for(result.error)}"
        self.epochs[name] = result.generation_id
        told = f"{name}: joined generation {result.generation_id} with {result.protocol_name}"
        if result.members:
            told += " as leader of " + ",".join(member.member_id for member in result.members)
        return told

    def _synced(self, name: str, result: SyncResult) -> str:
        if result.error is not ErrorCode.none:
            return f"{name}: {words_for(result.error)}"
        return f"{name}: assigned {in_words(decode_assignment(result.assignment).partitions)}"


def subscription(topics: str, owns: str) -> bytes:
    """A consumer's metadata, version 1: topics, no user data, what it has."""
    names = [name.encode() for name in topics.split(",")]
    listed = b"".join(struct.pack(">h", len(name)) + name for name in names)
    head = struct.pack(">hi", 1, len(names)) + listed
    return head + b"\xff\xff\xff\xff" + encode_assignment(by_name(owns), 1)[2:-4]
