"""The settings of a single group, which go before the broker's own for all groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from flowlog.errors import ConfigError

from .keys import ConfigKey, ConfigType, table

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
    ]
)

_BOUNDS: Final = {
    "consumer.session.timeout.ms": (
        "group.consumer.min.session.timeout.ms",
        "group.consumer.max.session.timeout.ms",
    ),
    "consumer.heartbeat.interval.ms": (
        "group.consumer.min.heartbeat.interval.ms",
        "group.consumer.max.heartbeat.interval.ms",
    ),
}


def check_group_value(name: str, text: str, broker: BrokerLayers) -> None:
    """Refuse a number outside the bounds that the broker sets for every group.

    Raises:
        ConfigError: it is outside; a text that is no number is the key's own business.
    """
    if name not in _BOUNDS or not text.strip().isdecimal():
        return
    low, high = (broker.given.integer(bound) for bound in _BOUNDS[name])
    if not low <= int(text) <= high:
        raise ConfigError(f"{name}: {text} is not between {low} and {high}, this broker's bounds")
