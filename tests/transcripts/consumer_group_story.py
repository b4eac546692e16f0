"""Plays a story of a KIP-848 group, line by line, and tells what came of each line.

    topics t:4 u:2          the topics of the cluster from now on, with their partition counts
    join a topics=t         a heartbeat with epoch 0; `regex=` in place of or beside `topics=`
    join a as=i1            a static member; one that restarted says `restarted`, and has a new id
    heartbeat a             with the last epoch that it heard of, saying nothing else
    heartbeat a owns=t:01   it has partitions 0 and 1 of t, and no others; or `owns=nothing`
    leave a                 epoch -1; `leave a for-now`: epoch -2, a static member will be back
    commit a offset=7       OffsetCommit of partition 0 of t, in the last epoch that it heard of
    tick at=3000            nothing but time passes; every line may say at= in milliseconds
    restart                 another coordinator takes over: what is not in the log is gone

A heartbeat may claim another `epoch=`, change `topics=` or `regex=`, or say `id=` (an older self).
Behind `->` stands what the member was answered: its epoch, and what it has to have from now on if
that is part of the answer. Then the group's state and epoch, when they changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import fields
from typing import Any
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Reply
from flowlog.broker.groups.classic.group import ClassicGroup
from flowlog.broker.groups.config import GroupConfig, GroupSettings
from flowlog.broker.groups.consumer.group import ConsumerGroup
from flowlog.broker.groups.consumer.member import LEAVE_EPOCH, LEAVE_FOR_NOW_EPOCH, Target
from flowlog.broker.groups.consumer.requests import NOT_GIVEN, ConsumerHeartbeat, HeartbeatResult
from flowlog.broker.groups.requests import CommitRow
from flowlog.broker.groups.share.group import ShareGroup
from flowlog.broker.groups.share.requests import ShareHeartbeatResult
from flowlog.broker.groups.topics import FixedTopics, Topic
from flowlog.errors import KafkaError

from ..broker.groups.world import GROUP, World

REBALANCE_TIMEOUT_MS = 60_000
FAREWELLS = {LEAVE_EPOCH: "left", LEAVE_FOR_NOW_EPOCH: "left for now"}


class ConsumerGroupStory:
    """One group, whose members have short names; topic t has four partitions at first."""

    def __init__(self, **config: int) -> None:
        known = {field.name for field in fields(GroupSettings)}
        settings = GroupSettings(**{k: v for k, v in config.items() if k in known})
        rest = GroupConfig(**{k: v for k, v in config.items() if k not in known})  # type: ignore[arg-type]
        self.world = World(rest, settings=lambda _: settings)
        self.topic_ids: dict[str, UUID] = {}
        self.ids: dict[str, str] = {}
        self.instances: dict[str, str] = {}
        self.epochs: dict[str, int] = {}
        self.events: list[str] = []
        self.do_topics("t:4")

    def play(self, line: str) -> str:
        """Carry out one line and tell what happened, in words."""
        command, *words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        names = [word for word in words if "=" not in word]
        before, self.events = self.group_now(), []
        if "at" in options:
            self.world.tick(int(options.pop("at")) - self.world.now_ms)
        action: Callable[..., None] = getattr(self, f"do_{command.replace('-', '_')}")
        action(*names, **options)
        if self.group_now() != before:
            self.events.append(f"group {self.group_now()}")
        return "; ".join(self.events) or "nothing"

    def group_now(self) -> str:
        group = self.world.shard.groups.get(GROUP)
        if isinstance(group, ClassicGroup):
            return f"{self.world.state} (classic)"
        if not isinstance(group, ConsumerGroup | ShareGroup):
            return self.world.state
        return f"{self.world.state} in epoch {group.state.epoch}"

    def do_tick(self) -> None:
        pass

    def do_topics(self, *counts: str) -> None:
        topics = []
        for name, count in (word.split(":") for word in counts):
            topic_id = self.topic_ids.setdefault(name, UUID(int=len(self.topic_ids) + 1))
            topics.append(Topic(name, topic_id, int(count)))
        now = FixedTopics(topics, version=self.world.topics.version + 1)
        self.world.topics = self.world.shard.context.topics = now

    def do_join(self, name: str, *words: str, **options: str) -> None:
        if "as" in options:
            self.instances[name] = options["as"]
        if name not in self.ids:
            self.ids[name] = name
        elif "restarted" in words:
            self.ids[name] += "'"
        self.epochs[name] = 0
        if "regex" not in options:
            options.setdefault("topics", "t")
        options.setdefault("rebalance", str(REBALANCE_TIMEOUT_MS))
        self.do_heartbeat(name, **({"owns": "nothing"} | options))

    def do_heartbeat(self, name: str, **options: str) -> None:
        request = ConsumerHeartbeat(
            GROUP,
            options.get("id", self.ids.get(name, name)),
            int(options.get("epoch", self.epochs.get(name, 0))),
            "client",
            "/127.0.0.1",
            instance_id=self.instances.get(name),
            rebalance_timeout_ms=int(options.get("rebalance", NOT_GIVEN)),
            topics=frozenset(options["topics"].split(",")) if "topics" in options else None,
            regex=options.get("regex"),
            assignor=options.get("assignor"),
            owned=self.owned(options["owns"]) if "owns" in options else None,
        )
        self.tell(name, lambda: self.world.shard.consumer_heartbeat(request, self.world.now))

    def do_leave(self, name: str, *words: str, **options: str) -> None:
        epoch = LEAVE_FOR_NOW_EPOCH if "for-now" in words else LEAVE_EPOCH
        self.do_heartbeat(name, epoch=str(epoch), **options)

    def do_commit(self, name: str, **options: str) -> None:
        result = self.world.commit(
            self.ids.get(name, ""),
            int(options.get("epoch", self.epochs.get(name, -1))),
            CommitRow("t", 0, int(options["offset"])),
            instance=self.instances.get(name),
        )
        error = ErrorCode(result.error or result.rows[0])
        self.events.append(f"{name}: {words_for(error, 'committed')}")

    def do_restart(self) -> None:
        self.world.shard.on_unloaded()
        self.world.load()

    def tell(self, name: str, decide: Callable[[], Decision[Any, Any]]) -> None:
        """Have a heartbeat decided, and say what the member hears."""
        try:
            decision = decide()
        except KafkaError as error:
            self.events.append(f"{name}: {words_for(error.error_code)}")
            return
        answer = self.world.write(decision)
        assert not isinstance(answer, Reply), "heartbeats are answered at once"
        self.events.append(f"{name}: {self._told(answer)}")
        if answer.member_epoch >= 0:
            self.epochs[name] = answer.member_epoch

    def _told(self, answer: HeartbeatResult | ShareHeartbeatResult) -> str:
        if answer.member_epoch in FAREWELLS:
            return FAREWELLS[answer.member_epoch]
        told = f"epoch {answer.member_epoch}"
        if answer.assignment is not None:
            told += f" with {self.partitions(answer.assignment)}"
        return told

    # Partitions: "t:01,u:0" are 0 and 1 of t, and 0 of u.

    def owned(self, words: str) -> Mapping[UUID, Set[int]]:
        return {self.topic_ids[name]: numbers for name, numbers in by_name(words).items()}

    def partitions(self, assignment: Target) -> str:
        names = {topic_id: name for name, topic_id in self.topic_ids.items()}
        return in_words({names[topic_id]: numbers for topic_id, numbers in assignment.items()})


def by_name(words: str) -> dict[str, set[int]]:
    pairs = (pair.split(":") for pair in words.split(",") if pair != "nothing")
    return {name: {int(digit) for digit in digits} for name, digits in pairs}


def in_words(partitions: Mapping[str, Set[int]]) -> str:
    rows = (f"{name}:{''.join(map(str, sorted(ns)))}" for name, ns in sorted(partitions.items()))
    return ",".join(rows) or "nothing"


def words_for(error: ErrorCode, success: str = "") -> str:
    return success if error is ErrorCode.none else error.name.replace("_", " ")
