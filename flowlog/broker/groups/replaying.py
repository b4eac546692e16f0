"""What each record of `__consumer_offsets` does to a shard, live and at load alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from .classic.group import ClassicGroup
from .consumer.codecs import FORMATS as CONSUMER_FORMATS
from .consumer.lifecycle import replay as replay_consumer
from .context import GroupContext
from .group import Group, GroupKind
from .offsets import OffsetStore
from .record_types import (
    GroupRecord,
    OffsetRecord,
    StoredGroup,
    TransactionalOffset,
    TransactionEnd,
)
from .share.codecs import FORMATS as SHARE_FORMATS
from .share.lifecycle import replay as replay_share


class Replayed(Protocol):
    """The part of a shard that records change."""

    context: GroupContext
    groups: dict[str, Group]
    stored: dict[str, StoredGroup]
    offsets: OffsetStore

    def forget(self, group_id: str) -> None:
        """Drop the group with its deadline, whatever its kind."""
        ...


def replay_offset(shard: Replayed, record: OffsetRecord) -> None:
    shard.offsets.replay(record)
    if record.committed is not None and record.group_id not in shard.groups:
        shard.groups[record.group_id] = ClassicGroup(record.group_id, shard.context.config)


def replay_transactional_offset(shard: Replayed, record: TransactionalOffset) -> None:
    """The group exists from then on, also where it turns out that nothing was committed."""
    shard.offsets.replay_pending(record)
    group_id = record.offset.group_id
    if group_id not in shard.groups:
        shard.groups[group_id] = ClassicGroup(group_id, shard.context.config)


def replay_transaction_end(shard: Replayed, record: TransactionEnd) -> None:
    shard.offsets.end_transaction(record.marker)


def replay_classic(shard: Replayed, record: GroupRecord) -> None:
    """What is durable of a classic group; its members are taken up when the shard is loaded."""
    group_id = record.group_id
    if record.stored is None:
        shard.stored.pop(group_id, None)
        group = shard.groups.get(group_id)
        if group is not None and group.kind is GroupKind.CLASSIC:
            shard.forget(group_id)
        return
    shard.stored[group_id] = record.stored
    group = shard.groups.get(group_id)
    if group is None or group.kind is not GroupKind.CLASSIC:
        arriving = shard.context.arriving.pop(group_id, None)
        if arriving is not None:
            shard.groups[group_id] = arriving


RULES: Final[Mapping[type, Callable[[Any, Any], None]]] = {
    OffsetRecord: replay_offset,
    TransactionalOffset: replay_transactional_offset,
    TransactionEnd: replay_transaction_end,
    GroupRecord: replay_classic,
    **{f.record_type: replay_consumer for f in CONSUMER_FORMATS},
    **{f.record_type: replay_share for f in SHARE_FORMATS},
}
