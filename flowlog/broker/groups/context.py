"""`GroupContext`: what the groups of a shard are given to work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from .config import GroupConfig, GroupSettings
from .group import Group
from .topics import Topics, no_topics


class SettingsSource(Protocol):
    """The settings of a single group: its own where it has any, else the broker's."""

    def __call__(self, group_id: str) -> GroupSettings: ...


_DEFAULTS: Final = GroupSettings()


class MemberListener(Protocol):
    """Told of a share group's member that was not heard of in time."""

    def __call__(self, group_id: str, member_id: str) -> None: ...


def default_settings(group_id: str) -> GroupSettings:
    """Kafka's defaults for any group."""
    return _DEFAULTS


def ignore_member(group_id: str, member_id: str) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class GroupContext:
    """One object for all groups of a shard."""

    config: GroupConfig
    topics: Topics = field(default_factory=no_topics)
    settings: SettingsSource = default_settings
    on_share_member_lost: MemberListener = ignore_member
    arriving: dict[str, Group] = field(default_factory=dict)
    """Groups that the decision in hand brings into being, with what is soft about them (sessions,
    parked requests). The replay of its records, which follows at once, puts them in place; where
    they cannot be written, they are forgotten."""
