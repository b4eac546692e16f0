"""The settings of a single group, which go before the broker's own for all groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from flowlog.errors import ConfigError

from .keys import ConfigKey, ConfigType, table
from .share_reset import parse_share_reset

if TYPE_CHECKING:
    from .layers import BrokerLayers

GROUP_KEYS: Final[Mapping[str, ConfigKey]] = table(
    [
        ConfigKey(
            "consumer.session.timeout.ms",
            ConfigType.INT,
            "45000",
            "Silence after which a member of a new-protocol group is removed, in milliseconds.",
            low=1,
            broker_key="group.consumer.session.timeout.ms",
        ),
        ConfigKey(
            "consumer.heartbeat.interval.ms",
            ConfigType.INT,
            "5000",
            "How often members of a new-protocol group report, in milliseconds.",
            low=1,
            broker_key="group.consumer.heartbeat.interval.ms",
        ),
        ConfigKey(
            "share.session.timeout.ms",
            ConfigType.INT,
            "45000",
            "Silence after which a member of a share group is removed, in milliseconds.",
            low=1,
            broker_key="group.share.session.timeout.ms",
        ),
        ConfigKey(
            "share.heartbeat.interval.ms",
            ConfigType.INT,
            "5000",
            "How often members of a share group report, in milliseconds.",
            low=1,
            broker_key="group.share.heartbeat.interval.ms",
        ),
        ConfigKey(
            "share.record.lock.duration.ms",
            ConfigType.INT,
            "30000",
            "How long a record that was delivered is kept from the others, in milliseconds.",
            low=1,
            broker_key="group.share.record.lock.duration.ms",
        ),
        ConfigKey(
            "share.delivery.count.limit",
            ConfigType.INT,
            "5",
            "How often a record is delivered at the most.",
            low=1,
            broker_key="group.share.delivery.count.limit",
        ),
        ConfigKey(
            "share.partition.max.record.locks",
            ConfigType.INT,
            "2000",
            "The most records of a partition that may be locked, or known apart, at once.",
            low=1,
            broker_key="group.share.partition.max.record.locks",
        ),
        ConfigKey(
            "share.auto.offset.reset",
            ConfigType.STRING,
            "latest",
            "Where a share group begins in a partition: earliest, latest, or by_duration: with a "
            "time before now as ISO 8601 has it, as in by_duration:PT1H.",
        ),
        ConfigKey(
            "share.isolation.level",
            ConfigType.STRING,
            "read_uncommitted",
            "Whether a share group gets records of transactions that may still be aborted.",
            choices=("read_committed", "read_uncommitted"),
        ),
        ConfigKey(
            "share.renew.acknowledge.enable",
            ConfigType.BOOLEAN,
            "true",
            "Whether a consumer may ask for more time with a record.",
        ),
    ]
)


def _bounds(kind: str, name: str) -> tuple[str, str]:
    """The broker settings that bound a setting of groups of that kind."""
    return f"group.{kind}.min.{name}", f"group.{kind}.max.{name}"


_BOUNDS: Final = {
    f"{kind}.{name}": _bounds(kind, name)
    for kind, names in {
        "consumer": ("session.timeout.ms", "heartbeat.interval.ms"),
        "share": (
            "session.timeout.ms",
            "heartbeat.interval.ms",
            "record.lock.duration.ms",
            "delivery.count.limit",
            "partition.max.record.locks",
        ),
    }.items()
    for name in names
}


def check_group_value(name: str, text: str, broker: BrokerLayers) -> None:
    """Refuse a number outside the bounds that the broker sets for every group, and a place to
    begin that is none.

    Raises:
        ConfigError: it is outside; a text that is no number is the key's own business.
    """
    if name == "share.auto.offset.reset":
        parse_share_reset(text)
    if name not in _BOUNDS or not text.strip().isdecimal():
        return
    low, high = (broker.given.integer(bound) for bound in _BOUNDS[name])
    if not low <= int(text) <= high:
        raise ConfigError(f"{name}: {text} is not between {low} and {high}, this broker's bounds")
