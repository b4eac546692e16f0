"""Settings of topics and brokers: described with their sources, changed through the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.config.broker_keys import BROKER_KEYS
from flowlog.broker.config.keys import ConfigKey, ConfigType, ConfigValue, find_key
from flowlog.broker.config.layers import (
    BrokerLayers,
    ConfigLayer,
    ConfigSource,
    topic_layers,
    topic_values,
)
from flowlog.broker.config.topic_keys import TOPIC_KEYS
from flowlog.broker.controller.controller import Controller
from flowlog.broker.controller.image import MetadataImage, ResourceType
from flowlog.broker.controller.records import ConfigRecord, MetadataRecord
from flowlog.errors import ConfigError, KafkaError

EVERY_BROKER: Final = ""


class Operation(IntEnum):
    """What IncrementalAlterConfigs does to a setting, numbered as in the protocol."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


@dataclass(frozen=True, slots=True)
class Alteration:
    """One change to one setting."""

    name: str
    operation: Operation
    text: str | None


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """A setting as it stands: the value in force and every layer that has one."""

    key: ConfigKey
    layers: tuple[ConfigLayer, ...]
    is_read_only: bool

    @property
    def text(self) -> str | None:
        return self.layers[0].text

    @property
    def source(self) -> ConfigSource:
        return self.layers[0].source


class ConfigAdmin:
    """Reads and changes settings."""

    def __init__(self, controller: Controller, given: BrokerConfig, node_id: int) -> None:
        self._controller = controller
        self._given = given
        self._node_id = node_id

    def topic_values(self, topic: str) -> dict[str, ConfigValue]:
        """The values in force for the topic, parsed, by Kafka's key."""
        overrides = self._controller.image.overrides(ResourceType.TOPIC, topic)
        return topic_values(overrides, self._broker_layers())

    def describe(self, resource_type: int, name: str) -> list[ConfigEntry]:
        """Every setting of the resource.

        Raises:
            KafkaError: no such topic, another broker, or a kind that has no settings.
        """
        broker = self._broker_layers()
        if resource_type == ResourceType.TOPIC:
            self._check_topic(name)
            overrides = self._controller.image.overrides(ResourceType.TOPIC, name)
            return [
                ConfigEntry(key, tuple(topic_layers(key, overrides, broker)), is_read_only=False)
                for key in TOPIC_KEYS.values()
            ]
        if resource_type == ResourceType.BROKER:
            self._check_broker(name)
            if name == EVERY_BROKER:
                return [
                    ConfigEntry(
                        BROKER_KEYS[key],
                        (ConfigLayer(key, text, ConfigSource.DYNAMIC_DEFAULT_BROKER),),
                        is_read_only=False,
                    )
                    for key, text in broker.every.items()
                ]
            return [
                ConfigEntry(key, tuple(broker.layers(key)), is_read_only=not key.dynamic)
                for key in BROKER_KEYS.values()
            ]
        raise _unsupported(resource_type)

    async def alter(
        self,
        resource_type: int,
        name: str,
        alterations: Sequence[Alteration],
        *,
        validate_only: bool = False,
    ) -> None:
        """Change some settings of a resource, all or none.

        Raises:
            KafkaError: INVALID_CONFIG for a value that does not fit, or as `describe`.
        """
        self._check_resource(resource_type, name)
        keys = TOPIC_KEYS if resource_type == ResourceType.TOPIC else BROKER_KEYS

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            overrides = image.overrides(ResourceType(resource_type), name)
            records: list[MetadataRecord] = [
                ConfigRecord(
                    resource_type,
                    name,
                    change.name,
                    self._altered(keys, resource_type, name, overrides, change),
                )
                for change in alterations
            ]
            return [] if validate_only else records

        await self._controller.change(decide)

    async def replace(
        self,
        resource_type: int,
        name: str,
        configs: Mapping[str, str | None],
        *,
        validate_only: bool = False,
    ) -> None:
        """Make `configs` the only settings of the resource (AlterConfigs).

        Raises:
            KafkaError: as `alter`.
        """
        present = self._controller.image.overrides(ResourceType.TOPIC, name)
        if resource_type == ResourceType.BROKER:
            present = self._controller.image.overrides(ResourceType.BROKER, name)
        changes = [Alteration(key, Operation.DELETE, None) for key in present if key not in configs]
        changes += [Alteration(key, Operation.SET, text) for key, text in configs.items()]
        await self.alter(resource_type, name, changes, validate_only=validate_only)

    def _altered(
        self,
        keys: Mapping[str, ConfigKey],
        resource_type: int,
        name: str,
        overrides: Mapping[str, str],
        change: Alteration,
    ) -> str | None:
        """The setting's new text, or None to take it back to its default."""
        try:
            key = find_key(keys, change.name)
            if resource_type == ResourceType.BROKER and not key.dynamic:
                raise KafkaError(
                    ErrorCode.invalid_request,
                    f"{key.name} cannot be changed while the broker runs",
                )
            if change.operation is Operation.DELETE:
                return None
            if change.text is None:
                raise ConfigError(f"{key.name}: null is not a value")
            text = change.text
            if change.operation is not Operation.SET:
                text = _edit_list(key, self._current(key, resource_type, name, overrides), change)
            key.parse(text)
        except ConfigError as error:
            message = f"{error}; {error.hint}" if error.hint else str(error)
            raise KafkaError(ErrorCode.invalid_config, message) from None
        return text

    def _current(
        self, key: ConfigKey, resource_type: int, name: str, overrides: Mapping[str, str]
    ) -> str:
        if key.name in overrides:
            return overrides[key.name]
        layers = next(e for e in self.describe(resource_type, name) if e.key.name == key.name)
        return layers.text or ""

    def _broker_layers(self) -> BrokerLayers:
        image = self._controller.image
        return BrokerLayers(
            own=image.overrides(ResourceType.BROKER, str(self._node_id)),
            every=image.overrides(ResourceType.BROKER, EVERY_BROKER),
            given=self._given,
        )

    def _check_resource(self, resource_type: int, name: str) -> None:
        checks: dict[int, Callable[[str], None]] = {
            ResourceType.TOPIC: self._check_topic,
            ResourceType.BROKER: self._check_broker,
        }
        if resource_type not in checks:
            raise _unsupported(resource_type)
        checks[resource_type](name)

    def _check_topic(self, name: str) -> None:
        if self._controller.image.topic(name) is None:
            raise KafkaError(ErrorCode.unknown_topic_or_partition, f"no topic {name!r}")

    def _check_broker(self, name: str) -> None:
        if name not in (EVERY_BROKER, str(self._node_id)):
            raise KafkaError(
                ErrorCode.invalid_request,
                f"this is broker {self._node_id}; ask broker {name!r} for its own settings",
            )


def _edit_list(key: ConfigKey, current: str, change: Alteration) -> str:
    if key.type is not ConfigType.LIST:
        raise ConfigError(f"{key.name} is not a list: it can be set or deleted only")
    words = [word for word in current.split(",") if word]
    edits = [word for word in (change.text or "").split(",") if word]
    if change.operation is Operation.APPEND:
        words += [word for word in edits if word not in words]
    else:
        words = [word for word in words if word not in edits]
    return ",".join(words)


def _unsupported(resource_type: int) -> KafkaError:
    return KafkaError(
        ErrorCode.invalid_request, f"resources of type {resource_type} have no settings here"
    )
