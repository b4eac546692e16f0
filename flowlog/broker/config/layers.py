"""Which value of a setting counts: the topic's own, the broker's changed ones, the given, the default.

`DescribeConfigs` shows every layer that has a value; the first is the one in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from .broker_config import BrokerConfig
from .broker_keys import BROKER_KEYS
from .group_keys import GROUP_KEYS
from .keys import ConfigKey, ConfigValue
from .topic_keys import TOPIC_KEYS


class ConfigSource(IntEnum):
    """Where a value comes from, numbered as in DescribeConfigs."""

    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    DYNAMIC_BROKER_LOGGER = 6
    DYNAMIC_CLIENT_METRICS = 7
    DYNAMIC_GROUP = 8


@dataclass(frozen=True, slots=True)
class ConfigLayer:
    """One layer's value: under which name, the text, and which layer it is."""

    name: str
    text: str | None
    source: ConfigSource


@dataclass(frozen=True, slots=True)
class BrokerLayers:
    """A broker's settings: what was changed on it, what was changed on all, what it was given."""

    own: Mapping[str, str]
    every: Mapping[str, str]
    given: BrokerConfig

    def layers(self, key: ConfigKey) -> Iterator[ConfigLayer]:
        """The layers that have a value for the broker setting, the one in force first."""
        name = key.name
        if name in self.own:
            yield ConfigLayer(name, self.own[name], ConfigSource.DYNAMIC_BROKER)
        if name in self.every:
            yield ConfigLayer(name, self.every[name], ConfigSource.DYNAMIC_DEFAULT_BROKER)
        if self.given.is_given(name):
            yield ConfigLayer(name, self.given.text(name), ConfigSource.STATIC_BROKER)
        yield ConfigLayer(name, key.default, ConfigSource.DEFAULT)


def topic_layers(
    key: ConfigKey, overrides: Mapping[str, str], broker: BrokerLayers
) -> Iterator[ConfigLayer]:
    """The layers that have a value for the topic setting, the one in force first."""
    if key.name in overrides:
        yield ConfigLayer(key.name, overrides[key.name], ConfigSource.TOPIC)
    yield from broker.layers(BROKER_KEYS[key.broker_key])


def group_layers(
    key: ConfigKey, overrides: Mapping[str, str], broker: BrokerLayers
) -> Iterator[ConfigLayer]:
    """The layers that have a value for the group setting, the one in force first."""
    if key.name in overrides:
        yield ConfigLayer(key.name, overrides[key.name], ConfigSource.DYNAMIC_GROUP)
    if key.broker_key:
        yield from broker.layers(BROKER_KEYS[key.broker_key])
    else:
        yield ConfigLayer(key.name, key.default, ConfigSource.DEFAULT)


def group_values(overrides: Mapping[str, str], broker: BrokerLayers) -> dict[str, ConfigValue]:
    """Every group setting's value in force, parsed."""
    values: dict[str, ConfigValue] = {}
    for key in GROUP_KEYS.values():
        text = next(group_layers(key, overrides, broker)).text
        assert text is not None, f"{key.name} has a default"
        values[key.name] = key.parse(text)
    return values


def topic_values(overrides: Mapping[str, str], broker: BrokerLayers) -> dict[str, ConfigValue]:
    """Every topic setting's value in force, parsed."""
    values: dict[str, ConfigValue] = {}
    for key in TOPIC_KEYS.values():
        text = next(topic_layers(key, overrides, broker)).text
        assert text is not None, f"{key.name} has a default"
        values[key.name] = key.parse(text)
    return values
