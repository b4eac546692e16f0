"""A classic group with members becomes a KIP-848 group while it runs."""

from __future__ import annotations

from flowlog.broker.coordinator.decision import Now

from ..classic.group import ClassicGroup
from ..context import GroupContext
from .checks import not_a_consumer_group
from .draft import Draft


def upgrade(context: GroupContext, classic: ClassicGroup, now: Now) -> Draft:
    raise not_a_consumer_group(classic.group_id)
