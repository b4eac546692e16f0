"""Plays a story of a classic group, line by line, and tells what came of each line.

    join a at=0           a new member asks to join, or a known one rejoins with its id
    join a as=i1          a static member; one that restarted says `restarted`
    sync a gives=a:0,b:1  the leader's assignment; others just `sync b`
    heartbeat a           with the last generation that it heard of
    commit a offset=7     OffsetCommit by a member, or by `tool`, which is none
    leave a               or `leave as=i1`
    tick at=3000          nothing but time passes; every line may say at= in milliseconds
    restart               another coordinator takes over: what is not in the log is gone
    fail / hold / release the next write fails; writes are not committed; they are now

Behind `->` stands who was answered what, in order, and the group's state when it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Reply
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.requests import CommitRow, JoinResult, Leaving, Protocol, SyncResult

from ..broker.groups.world import World, subscription


class GroupStory:
    """One group, whose members have short names."""

    def __init__(self, **config: int) -> None:
        self.world = World(GroupConfig(**config))
        self.ids: dict[str, str] = {}
        self.instances: dict[str, str] = {}
        self.generations: dict[str, int] = {}
        self.events: list[str] = []

    def play(self, line: str) -> str:
        """Carry out one line and tell what happened, in words."""
        command, *words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        names = [word for word in words if "=" not in word]
        before, self.events = self.world.state, []
        if "at" in options:
            self.world.tick(int(options.pop("at")) - self.world.now_ms)
        action: Callable[..., None] = getattr(self, f"do_{command}")
        action(*names, **options)
        if self.world.state != before:
            self.events.append(f"group {self.world.state}")
        return "; ".join(self.events) or "nothing"

    def do_tick(self) -> None:
        pass

    def do_join(self, name: str, *words: str, **options: str) -> None:
        if "as" in options:
            self.instances[name] = options["as"]
        topics = options.get("topics", "t").split(",")
        protocols = [
            Protocol(protocol, subscription(*topics))
            for protocol in options.get("protocols", "range").split(",")
        ]
        version = int(options.get("version", 9))
        request = self.world.join_request(
            "" if "restarted" in words else self.ids.get(name, ""),
            self.instances.get(name),
            session_timeout_ms=int(options.get("session", 10_000)),
            rebalance_timeout_ms=int(options.get("rebalance", 60_000)),
            protocols=tuple(protocols),
            new_member_id=name + "'" * self._times_known(name),
            needs_member_id_first=version >= 4,
            may_skip_assignment=version >= 9,
            reason=options.get("reason", "not provided"),
        )
        answer = self.world.write(self.world.shard.join(request, self.world.now))
        self._tell(name, answer, self._joined)

    def do_sync(self, name: str, **options: str) -> None:
        gives = dict(pair.split(":") for pair in options.get("gives", "").split(",") if pair)
        answer = self.world.sync(
            self.ids[name],
            int(options.get("generation", self.generations.get(name, -1))),
            {self.ids[member]: part.encode() for member, part in gives.items()},
            self.instances.get(name),
        )
        self._tell(name, answer, self._synced)

    def do_heartbeat(self, name: str, **options: str) -> None:
        error = self.world.heartbeat(
            options.get("id", self.ids[name]),
            int(options.get("generation", self.generations[name])),
            self.instances.get(name),
        )
        self.events.append(f"{name}: {_words(error, 'alive')}")

    def do_commit(self, name: str, **options: str) -> None:
        result = self.world.commit(
            self.ids.get(name, ""),
            self.generations.get(name, -1),
            CommitRow("t", 0, int(options["offset"])),
            instance=self.instances.get(name),
        )
        error = result.error or result.rows[0]
        self.events.append(f"{name}: {_words(ErrorCode(error), 'committed')}")

    def do_leave(self, *names: str, **options: str) -> None:
        leaving = {name: Leaving(self.ids[name], self.instances.get(name)) for name in names}
        if "as" in options:
            leaving[options["as"]] = Leaving("", options["as"])
        result = self.world.leave(*leaving.values())
        for name, left in zip(leaving, result.members, strict=True):
            self.events.append(f"{name}: {_words(left.error, 'left')}")

    def do_restart(self) -> None:
        self.world.shard.on_unloaded()
        self.world.load()

    def do_fail(self) -> None:
        self.world.write_error = ErrorCode.coordinator_not_available

    def do_hold(self) -> None:
        self.world.hold_commits = True

    def do_release(self) -> None:
        self.world.release_commits()

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
            return f"{name}: {_words(result.error)}"
        self.generations[name] = result.generation_id
        told = f"{name}: joined generation {result.generation_id} with {result.protocol_name}"
        if result.members:
            told += " as leader of " + ",".join(member.member_id for member in result.members)
        return told + (", assignment skipped" if result.skip_assignment else "")

    def _synced(self, name: str, result: SyncResult) -> str:
        if result.error is not ErrorCode.none:
            return f"{name}: {_words(result.error)}"
        return f"{name}: assigned {result.assignment.decode() or 'nothing'}"

    def _times_known(self, name: str) -> int:
        """How often the name has had a member id: each new one gets one more tick."""
        known = self.ids.get(name)
        return 0 if known is None else known.count("'") + 1


def _words(error: ErrorCode, success: str = "") -> str:
    return success if error is ErrorCode.none else error.name.replace("_", " ")
