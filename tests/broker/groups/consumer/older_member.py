"""A consumer of the classic protocol as it sees itself, leader's work included."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Reply
from flowlog.broker.groups.consumer_protocol import (
    decode_assignment,
    decode_subscription,
    encode_assignment,
)
from flowlog.broker.groups.requests import JoinResult, Leaving, Protocol, Sync, SyncResult
from flowlog.errors import KafkaError

from ..world import GROUP, World

R = TypeVar("R")

COUNTS = {"a": 4, "b": 3}
ALL = frozenset((topic, n) for topic, count in COUNTS.items() for n in range(count))
Owned = frozenset[tuple[str, int]]
NOTHING: Owned = frozenset()
ASKS_AGAIN = (ErrorCode.rebalance_in_progress, ErrorCode.not_coordinator)


def by_name(owned: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    rows: dict[str, set[int]] = {}
    for topic, n in owned:
        rows.setdefault(topic, set()).add(n)
    return rows


def partitions_of(rows: Mapping[str, Iterable[int]]) -> Owned:
    return frozenset((topic, n) for topic, numbers in rows.items() for n in numbers)


def subscription(owned: Owned) -> bytes:
    """To every topic, version 1: topics, no user data, what is owned."""
    names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in COUNTS)
    head = struct.pack(">hi", 1, len(COUNTS)) + names
    return head + b"\xff\xff\xff\xff" + encode_assignment(by_name(owned), 1)[2:-4]


@dataclass
class Older:
    """Joins, syncs and heartbeats; a cooperative one keeps what it has while it joins again."""

    name: str
    is_cooperative: bool
    is_in: bool = False
    life: int = 0
    member_id: str = ""
    generation_id: int = -1
    owned: Owned = NOTHING
    has_joined: bool = False  # and need not join again, as far as it knows
    joining: Reply[JoinResult] | None = None
    syncing: Reply[SyncResult] | None = None
    replies: list[Reply[JoinResult] | Reply[SyncResult]] = field(default_factory=list)

    def forget(self) -> None:
        """It is out: it owns nothing, and would join as somebody new."""
        self.life += 1
        self.member_id, self.generation_id, self.owned = "", -1, NOTHING
        self.has_joined, self.joining, self.syncing = False, None, None

    def step(self, world: World) -> None:
        """The next thing that a client does; nothing while it waits for an answer."""
        if self.joining is not None:
            if self.joining.is_answered:
                joined, self.joining = self.joining.value, None
                self.on_joined(world, joined)
        elif self.syncing is not None:
            if self.syncing.is_answered:
                synced, self.syncing = self.syncing.value, None
                self.on_synced(synced)
        elif not self.has_joined:
            self.join(world)
        else:
            self.heartbeat(world)

    def join(self, world: World) -> None:
        self.life += not self.member_id  # A coordinator gives no id twice.
        if not self.is_cooperative:
            self.owned = NOTHING
        request = world.join_request(
            self.member_id,
            protocols=(Protocol(self.protocol, subscription(self.owned)),),
            new_member_id=f"{self.name}-{self.life}",
        )
        answer = ask(world, lambda: world.shard.join(request, world.now))
        if isinstance(answer, Reply):
            self.joining = answer
            self.replies.append(answer)
        else:
            self.on_joined(world, answer)

    @property
    def protocol(self) -> str:
        return "cooperative-sticky" if self.is_cooperative else "range"

    def on_joined(self, world: World, joined: JoinResult | ErrorCode) -> None:
        error = joined if isinstance(joined, ErrorCode) else joined.error
        if error is not ErrorCode.none or isinstance(joined, ErrorCode):
            self.on_error(error)
            return
        self.member_id, self.generation_id = joined.member_id, joined.generation_id
        shares = self.shares(joined) if joined.leader_id == joined.member_id else {}
        request = Sync(GROUP, joined.generation_id, joined.member_id, None, None, None, shares)
        answer = ask(world, lambda: world.shard.sync(request, world.now))
        if isinstance(answer, Reply):
            self.syncing = answer
            self.replies.append(answer)
        else:
            self.on_synced(answer)

    def shares(self, joined: JoinResult) -> dict[str, bytes]:
        """Round the members; a partition that another one still has comes in the next round."""
        members = sorted(joined.members)
        has = {m.member_id: partitions_of(decode_subscription(m.metadata).owned) for m in members}
        shares: dict[str, set[tuple[str, int]]] = {m.member_id: set() for m in members}
        for number, partition in enumerate(sorted(ALL)):
            wanted = members[number % len(members)].member_id
            if all(partition not in owned for m, owned in has.items() if m != wanted):
                shares[wanted].add(partition)
        return {m: encode_assignment(by_name(share), 1) for m, share in shares.items()}

    def on_synced(self, synced: SyncResult | ErrorCode) -> None:
        error = synced if isinstance(synced, ErrorCode) else synced.error
        if error is not ErrorCode.none or isinstance(synced, ErrorCode):
            self.on_error(error)
            return
        given = partitions_of(decode_assignment(synced.assignment).partitions)
        has_revoked = not self.owned <= given
        self.owned = given
        self.has_joined = not (self.is_cooperative and has_revoked)

    def heartbeat(self, world: World) -> None:
        try:
            error = world.heartbeat(self.member_id, self.generation_id)
        except KafkaError as refused:
            error = refused.error_code
        if error is not ErrorCode.none:
            self.on_error(error)

    def leave(self, world: World) -> None:
        member_id = self.member_id
        self.forget()
        ask(world, lambda: world.shard.leave(GROUP, [Leaving(member_id)], world.now))

    def on_error(self, error: ErrorCode) -> None:
        self.has_joined = False
        if error in ASKS_AGAIN:
            return
        if error is ErrorCode.illegal_generation:
            self.owned = NOTHING
            return
        assert error in (ErrorCode.unknown_member_id, ErrorCode.group_id_not_found), error
        self.forget()


def ask(world: World, decide: Callable[[], Decision[R, Any]]) -> R | Reply[R] | ErrorCode:
    """The answer, or the error that the client hears in its place."""
    try:
        decision = decide()
    except KafkaError as refused:
        return refused.error_code
    if decision.records and world.write_error is not ErrorCode.none:
        error, told = world.write_error, decision.response
        world.write(decision)
        return told.value if isinstance(told, Reply) and told.is_answered else error
    return world.write(decision)
