"""Plays a story of a share group (KIP-932), whose members may have the same partitions.

    states                the group's state in each partition that it lacks one in is there now

Heartbeats, topics, time and restarts are said as in `consumer_group_story`. Members do not say
what they own, as they give nothing up; they name topics, and none is static.
"""

from __future__ import annotations

from flowlog.broker.groups.share import states
from flowlog.broker.groups.share.group import ShareGroup
from flowlog.broker.groups.share.requests import ShareHeartbeat
from flowlog.broker.groups.share.subscribed import missing

from ..broker.groups.world import GROUP
from .consumer_group_story import ConsumerGroupStory


class ShareGroupStory(ConsumerGroupStory):
    """One group, whose states somebody else keeps: a partition without one is nobody's yet."""

    def do_heartbeat(self, name: str, **options: str) -> None:
        request = ShareHeartbeat(
            GROUP,
            self.ids.get(name, name),
            int(options.get("epoch", self.epochs.get(name, 0))),
            "client",
            "/127.0.0.1",
            topics=frozenset(options["topics"].split(",")) if "topics" in options else None,
        )
        self.tell(name, lambda: self.world.shard.share_heartbeat(request, self.world.now))

    def do_states(self) -> None:
        group = self.world.shard.groups[GROUP]
        assert isinstance(group, ShareGroup)
        lacking = missing(group.state, self.world.topics)
        decision = self.world.shard.decide_share_states(
            GROUP, lambda draft: states.initialized(draft, lacking), self.world.now
        )
        self.world.write(decision)
