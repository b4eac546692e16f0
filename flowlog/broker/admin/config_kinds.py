"""The kinds of resources whose settings are kept in the metadata: topics, brokers, groups, metrics.

A kind knows its keys, which names it has, and which layers a value comes from. `ConfigAdmin`
chooses the kind and writes the records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.config_changes import ConfigEntry, invalid_request
from flowlog.broker.admin.topics import check_name
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.config.broker_keys import BROKER_KEYS
from flowlog.broker.config.group_keys import GROUP_KEYS, check_group_value
from flowlog.broker.config.keys import ConfigKey
from flowlog.broker.config.layers import (
    BrokerLayers,
    ConfigLayer,
    ConfigSource,
    group_layers,
    topic_layers,
)
from flowlog.broker.config.metrics_keys import METRICS_KEYS, check_match
from flowlog.broker.config.topic_keys import TOPIC_KEYS
from flowlog.broker.controller.image import MetadataImage, ResourceType
from flowlog.errors import ConfigError, KafkaError

EVERY_BROKER = ""


class ConfigKind(Protocol):
    """One kind of resource."""

    keys: Mapping[str, ConfigKey]

    def check_name(self, name: str) -> None:
        """Refuse a name that no resource of this kind has; raises `KafkaError`."""

    def describe(self, name: str) -> list[ConfigEntry]:
        """Every setting of the resource, which has passed `check_name`."""

    def check_change(self, key: str, text: str | None) -> None:
        """Refuse what the key's type alone allows; raises `KafkaError` or `ConfigError`."""

    def names(self) -> list[str]:
        """The resources that ListConfigResources shows."""


class ConfigView:
    """What the settings of all kinds derive from."""

    def __init__(self, image: MetadataImage, given: BrokerConfig, node_id: int) -> None:
        self.image = image
        self.given = given
        self.node_id = node_id

    def broker_layers(self) -> BrokerLayers:
        return BrokerLayers(
            own=self.image.overrides(ResourceType.BROKER, str(self.node_id)),
            every=self.image.overrides(ResourceType.BROKER, EVERY_BROKER),
            given=self.given,
        )


class TopicConfigs:
    """Settings of topics; what a topic does not set comes from the broker."""

    keys = TOPIC_KEYS

    def __init__(self, view: ConfigView) -> None:
        self._view = view

    def check_name(self, name: str) -> None:
        check_name(name)
        if self._view.image.topic(name) is None:
            raise KafkaError(ErrorCode.unknown_topic_or_partition, f"no topic {name!r}")

    def describe(self, name: str) -> list[ConfigEntry]:
        overrides = self._view.image.overrides(ResourceType.TOPIC, name)
        broker = self._view.broker_layers()
        return [
            ConfigEntry(key, tuple(topic_layers(key, overrides, broker)))
            for key in self.keys.values()
        ]

    def check_change(self, key: str, text: str | None) -> None:
        pass

    def names(self) -> list[str]:
        return sorted(self._view.image.topics)


class BrokerConfigs:
    """Settings of this broker, and those that were set for all brokers (an empty name)."""

    keys = BROKER_KEYS

    def __init__(self, view: ConfigView) -> None:
        self._view = view

    def check_name(self, name: str) -> None:
        if name not in (EVERY_BROKER, str(self._view.node_id)):
            raise invalid_request(
                f"this is broker {self._view.node_id}; ask broker {name!r} for its own settings"
            )

    def describe(self, name: str) -> list[ConfigEntry]:
        broker = self._view.broker_layers()
        if name == EVERY_BROKER:
            source = ConfigSource.DYNAMIC_DEFAULT_BROKER
            return [
                ConfigEntry(self.keys[key], (ConfigLayer(key, text, source),))
                for key, text in broker.every.items()
            ]
        return [
            ConfigEntry(key, tuple(broker.layers(key)), is_read_only=not key.dynamic)
            for key in self.keys.values()
        ]

    def check_change(self, key: str, text: str | None) -> None:
        known = self.keys.get(key)
        if known is not None and not known.dynamic:
            raise invalid_request(f"{key} cannot be changed while the broker runs")

    def names(self) -> list[str]:
        return [str(self._view.node_id)]


class GroupConfigs:
    """Settings of groups; any name may have some, before there is such a group."""

    keys = GROUP_KEYS

    def __init__(self, view: ConfigView) -> None:
        self._view = view

    def check_name(self, name: str) -> None:
        if not name:
            raise invalid_request("a group's name cannot be empty")

    def describe(self, name: str) -> list[ConfigEntry]:
        overrides = self._view.image.overrides(ResourceType.GROUP, name)
        broker = self._view.broker_layers()
        return [
            ConfigEntry(key, tuple(group_layers(key, overrides, broker)))
            for key in self.keys.values()
        ]

    def check_change(self, key: str, text: str | None) -> None:
        if text is not None:
            check_group_value(key, text, self._view.broker_layers())

    def names(self) -> list[str]:
        return self._view.image.names(ResourceType.GROUP)


class MetricsConfigs:
    """Which metrics clients are asked for (KIP-714), kept for brokers that collect them."""

    keys = METRICS_KEYS

    def __init__(self, view: ConfigView) -> None:
        self._view = view

    def check_name(self, name: str) -> None:
        if not name:
            raise invalid_request("a metrics subscription's name cannot be empty")

    def describe(self, name: str) -> list[ConfigEntry]:
        overrides = self._view.image.overrides(ResourceType.CLIENT_METRICS, name)
        return [_metrics_entry(key, overrides) for key in self.keys.values()]

    def check_change(self, key: str, text: str | None) -> None:
        """Kafka answers INVALID_REQUEST here where other kinds have INVALID_CONFIG."""
        if text is None:
            return
        try:
            if key == "match":
                check_match(text)
            elif key in self.keys:
                self.keys[key].parse(text)
        except (ConfigError, re.error) as error:
            code = ErrorCode.invalid_config if key == "match" else ErrorCode.invalid_request
            raise KafkaError(code, str(error)) from None
        if key not in self.keys:
            raise invalid_request(f"unknown setting {key!r} of a metrics subscription")

    def names(self) -> list[str]:
        return self._view.image.names(ResourceType.CLIENT_METRICS)


def _metrics_entry(key: ConfigKey, overrides: Mapping[str, str]) -> ConfigEntry:
    layers = [ConfigLayer(key.name, key.default, ConfigSource.DEFAULT)]
    if key.name in overrides:
        layers.insert(
            0, ConfigLayer(key.name, overrides[key.name], ConfigSource.DYNAMIC_CLIENT_METRICS)
        )
    return ConfigEntry(key, tuple(layers), hidden=frozenset({ConfigSource.DEFAULT}))
