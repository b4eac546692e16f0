"""Settings of every kind of resource: described with their sources, changed through the controller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.config_changes import (
    Alteration,
    ConfigEntry,
    Operation,
    check_alterations,
    invalid_config,
    invalid_request,
    new_text,
)
from flowlog.broker.admin.config_kinds import (
    BrokerConfigs,
    ConfigKind,
    ConfigView,
    GroupConfigs,
    MetricsConfigs,
    TopicConfigs,
)
from flowlog.broker.admin.loggers import check_levels, describe_loggers, set_levels
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.config.keys import ConfigValue
from flowlog.broker.config.layers import group_values, topic_layers, topic_values
from flowlog.broker.config.topic_keys import TOPIC_KEYS
from flowlog.broker.controller.controller import Controller
from flowlog.broker.controller.image import MetadataImage, ResourceType
from flowlog.broker.controller.records import ConfigRecord, MetadataRecord
from flowlog.errors import ConfigError, KafkaError

LOGGER = ResourceType.BROKER_LOGGER


class ConfigAdmin:
    """Reads and changes settings."""

    def __init__(self, controller: Controller, given: BrokerConfig, node_id: int) -> None:
        self._controller = controller
        self._node_id = node_id
        self._view = view = ConfigView(controller.image, given, node_id)
        self._kinds: Mapping[int, ConfigKind] = {
            ResourceType.TOPIC: TopicConfigs(view),
            ResourceType.BROKER: BrokerConfigs(view),
            ResourceType.GROUP: GroupConfigs(view),
            ResourceType.CLIENT_METRICS: MetricsConfigs(view),
        }

    def topic_values(self, topic: str) -> dict[str, ConfigValue]:
        """The values in force for the topic, parsed, by Kafka's key."""
        overrides = self._controller.image.overrides(ResourceType.TOPIC, topic)
        return topic_values(overrides, self._view.broker_layers())

    def group_values(self, group: str) -> dict[str, ConfigValue]:
        """The values in force for the group, parsed, by Kafka's key."""
        overrides = self._controller.image.overrides(ResourceType.GROUP, group)
        return group_values(overrides, self._view.broker_layers())

    def of_new_topic(self, given: Mapping[str, str]) -> list[ConfigEntry]:
        """Every setting of a topic that is made with these."""
        broker = self._view.broker_layers()
        return [
            ConfigEntry(key, tuple(topic_layers(key, given, broker))) for key in TOPIC_KEYS.values()
        ]

    def describe(self, resource_type: int, name: str) -> list[ConfigEntry]:
        """Every setting of the resource.

        Raises:
            KafkaError: no such topic, another broker, or a kind that has no settings.
        """
        if resource_type == LOGGER:
            self._check_own_logger(name)
            return describe_loggers()
        kind = self._kind(resource_type)
        kind.check_name(name)
        return kind.describe(name)

    def resources(self, resource_types: Sequence[int]) -> Iterator[tuple[int, str]]:
        """The resources of the given kinds, of all kinds when there are none given.

        Raises:
            KafkaError: UNSUPPORTED_VERSION for a kind that does not exist.
        """
        known = {*self._kinds, int(LOGGER)}
        for kind in resource_types:
            if kind not in known:
                raise KafkaError(ErrorCode.unsupported_version, f"no resource type {kind}")
        for kind in sorted(set(resource_types) or known):
            names = [str(self._node_id)] if kind == LOGGER else self._kinds[kind].names()
            yield from ((kind, name) for name in names)

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
            KafkaError: INVALID_CONFIG or INVALID_REQUEST for what does not fit, or as `describe`.
        """
        check_alterations(alterations)
        if resource_type == LOGGER:
            self._check_own_logger(name)
            check_levels(list(alterations))
            if not validate_only:
                set_levels(list(alterations))
            return
        kind = self._kind(resource_type)
        self._check_alterable(resource_type, name)
        kind.check_name(name)

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            present = {entry.key.name: entry.text for entry in kind.describe(name)}
            records: list[MetadataRecord] = [
                ConfigRecord(resource_type, name, change.name, text)
                for change in alterations
                if (text := _decided(kind, present, change)) is not None
                or change.name in image.overrides(ResourceType(resource_type), name)
            ]
            return [] if validate_only else records

        await self._controller.change(decide)

    async def replace(
        self,
        resource_type: int,
        name: str,
        configs: Sequence[tuple[str, str | None]],
        *,
        validate_only: bool = False,
    ) -> None:
        """Make `configs` the only settings of the resource (AlterConfigs).

        Raises:
            KafkaError: as `alter`; INVALID_REQUEST for loggers, which Kafka does not alter so.
        """
        if resource_type not in self._kinds:
            raise invalid_request(f"resources of type {resource_type} cannot be replaced")
        present = self._controller.image.overrides(ResourceType(resource_type), name)
        kept = {key for key, _ in configs}
        changes = [Alteration(key, Operation.DELETE, None) for key in present if key not in kept]
        changes += [Alteration(key, Operation.SET, text) for key, text in configs]
        await self.alter(resource_type, name, changes, validate_only=validate_only)

    def _kind(self, resource_type: int) -> ConfigKind:
        kind = self._kinds.get(resource_type)
        if kind is None:
            raise invalid_request(f"resources of type {resource_type} have no settings here")
        return kind

    def _check_own_logger(self, name: str) -> None:
        if name != str(self._node_id):
            raise invalid_request(
                f"this is broker {self._node_id}; ask broker {name!r} for its own loggers"
            )

    @staticmethod
    def _check_alterable(resource_type: int, name: str) -> None:
        if resource_type == ResourceType.TOPIC and not name:
            raise invalid_request("every topic has its own settings; name one")


def _decided(kind: ConfigKind, present: Mapping[str, str | None], change: Alteration) -> str | None:
    try:
        kind.check_change(
            change.name, None if change.operation is Operation.DELETE else change.text
        )
        return new_text(kind.keys, present, change)
    except ConfigError as error:
        raise invalid_config(error) from None
