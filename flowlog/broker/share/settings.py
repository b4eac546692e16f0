"""The settings of a share group that its partitions go by."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from flowlog.broker.config.share_reset import ResetKind, ShareReset

from .partition.requests import Limits


class ShareSettings(NamedTuple):
    """A group's own where it has any, else the broker's. Defaults are Kafka's."""

    limits: Limits = Limits()
    reset: ShareReset = ShareReset(ResetKind.LATEST)  # share.auto.offset.reset
    isolation_level: int = 0  # share.isolation.level, as Fetch has it on the wire


class ShareSettingsSource(Protocol):
    """The settings of a group, by its id."""

    def __call__(self, group_id: str) -> ShareSettings: ...


_DEFAULTS: Final = ShareSettings()


def default_share_settings(group_id: str) -> ShareSettings:
    """Kafka's defaults for any group."""
    return _DEFAULTS
