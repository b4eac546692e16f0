"""Which group a heartbeat of KIP-848 speaks to: one that is there, a new one, or one that has
been of the classic protocol until now.

Source: `getOrMaybeCreateConsumerGroup`, `GroupMetadataManager` in apache/kafka.
"""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now

from ..classic.group import ClassicGroup
from ..context import GroupContext
from ..group import Group
from ..record_types import GroupRecord
from .checks import not_a_consumer_group, not_found
from .draft import Draft
from .group import ConsumerGroup
from .upgrading import upgrade


def draft_for(
    context: GroupContext, group: Group | None, group_id: str, now: Now, *, joins: bool
) -> Draft:
    """A decision to be made about the group.

    Raises:
        KafkaError: GROUP_ID_NOT_FOUND: there is none, and nobody joins, or one of another kind.
    """
    if isinstance(group, ConsumerGroup):
        return Draft(group, now)
    if group is None and not joins:
        raise not_found(group_id)
    if not (joins and (group is None or isinstance(group, ClassicGroup))):
        raise not_a_consumer_group(group_id)
    if group is not None and group.delete_error() is not ErrorCode.none:
        return upgrade(context, group, now)
    draft = Draft(ConsumerGroup(group_id, context), now)
    context.arriving[group_id] = draft.group
    if group is not None:  # empty: it is replaced without a word, and its offsets stay
        draft.records.append(GroupRecord(group_id, None))
    return draft
