"""Topics: making, growing and deleting them.

The `decide_…` functions are pure: an image and a wish in, metadata records out, `KafkaError` for a
wish that cannot be had. `TopicAdmin` hands them to the controller; a topic that fails does not
hold up its neighbours in the same request.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from kio.schema.errors import ErrorCode

from flowlog.broker.config.keys import find_key
from flowlog.broker.config.topic_keys import TOPIC_KEYS
from flowlog.broker.controller.controller import Controller
from flowlog.broker.controller.image import (
    MetadataImage,
    ResourceType,
    TopicImage,
    metric_name,
)
from flowlog.broker.controller.records import (
    ConfigRecord,
    MetadataRecord,
    PartitionRecord,
    RemoveTopicRecord,
    TopicRecord,
)
from flowlog.errors import ConfigError, KafkaError

logger = logging.getLogger(__name__)

NAME_LENGTH_MAX: Final = 249
PARTITIONS_MAX: Final = 10_000
OFFSETS_TOPIC: Final = "__consumer_offsets"
TRANSACTIONS_TOPIC: Final = "__transaction_state"
SHARE_STATE_TOPIC: Final = "__share_group_state"
INTERNAL_TOPICS: Final = frozenset({OFFSETS_TOPIC, TRANSACTIONS_TOPIC, SHARE_STATE_TOPIC})
DEFAULT: Final = -1

_NAME = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic that somebody asks for; DEFAULT counts take the broker's settings.

    `assignments` gives (partition, replicas) pairs by hand, and excludes the two counts.
    """

    name: str
    partition_count: int = DEFAULT
    replication_factor: int = DEFAULT
    assignments: tuple[tuple[int, tuple[int, ...]], ...] = ()
    configs: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicDefaults:
    """What a new topic gets where the request leaves it open."""

    partition_count: int
    replication_factor: int


@dataclass(frozen=True, slots=True)
class CreatedTopic:
    """What became, or would become, of a wish."""

    name: str
    topic_id: UUID
    partition_count: int
    replication_factor: int


def check_name(name: str) -> None:
    """Refuse what could not be a folder, a metric or a Kafka topic.

    Raises:
        KafkaError: INVALID_TOPIC_EXCEPTION.
    """
    if name in ("", ".", ".."):
        problem = f"{name!r} is not a topic name"
    elif len(name) > NAME_LENGTH_MAX:
        problem = f"the topic name is {len(name)} characters long, above {NAME_LENGTH_MAX}"
    elif not _NAME.fullmatch(name):
        problem = f"topic name {name!r} has characters other than letters, digits, '.', '_', '-'"
    else:
        return
    raise KafkaError(ErrorCode.invalid_topic_exception, problem)


def check_configs(configs: Mapping[str, str | None]) -> None:
    """Refuse unknown topic settings and values that do not fit.

    Raises:
        KafkaError: INVALID_CONFIG.
    """
    for name, text in configs.items():
        try:
            key = find_key(TOPIC_KEYS, name)
            if text is None:
                raise ConfigError(f"{name}: null is not a value")
            key.parse(text)
        except ConfigError as error:
            message = f"{error}; {error.hint}" if error.hint else str(error)
            raise KafkaError(ErrorCode.invalid_config, message) from None


def decide_topic(
    image: MetadataImage, new: NewTopic, defaults: TopicDefaults, topic_id: UUID
) -> list[MetadataRecord]:
    """The records that make the topic.

    Raises:
        KafkaError: the name, a count, an assignment or a setting cannot be had.
    """
    check_name(new.name)
    if new.name in image.topics:
        raise KafkaError(ErrorCode.topic_already_exists, f"topic {new.name!r} already exists")
    if other := image.colliding_topic(new.name):
        raise _collision(new.name, other)
    check_configs(new.configs)
    replicas = _assignments(image, new, defaults)
    records: list[MetadataRecord] = [TopicRecord(new.name, topic_id)]
    records += _partition_records(topic_id, 0, replicas)
    records += [
        ConfigRecord(ResourceType.TOPIC, new.name, key, value) for key, value in new.configs.items()
    ]
    return records


def decide_more_partitions(
    image: MetadataImage, name: str, count: int, assignments: Sequence[tuple[int, ...]] | None
) -> list[MetadataRecord]:
    """The records that grow a topic to `count` partitions.

    Raises:
        KafkaError: no such topic, not more than now, or an assignment that does not fit.
    """
    topic = image.topic(name)
    if topic is None:
        raise KafkaError(ErrorCode.unknown_topic_or_partition, f"no topic {name!r}")
    now = len(topic.partitions)
    if count <= now:
        raise KafkaError(
            ErrorCode.invalid_partitions,
            f"topic {name!r} has {now} partitions; it cannot go to {count}",
        )
    _check_partition_count(count)
    if assignments is None:
        factor = len(topic.partitions[0].replicas)
        replicas = [_place(image, index, factor) for index in range(now, count)]
    elif len(assignments) != count - now:
        raise KafkaError(
            ErrorCode.invalid_replica_assignment,
            f"{len(assignments)} assignments for {count - now} new partitions",
        )
    else:
        replicas = [_checked_replicas(image, given) for given in assignments]
    return [*_partition_records(topic.topic_id, now, replicas)]


def _collision(name: str, other: str) -> KafkaError:
    return KafkaError(
        ErrorCode.invalid_topic_exception,
        f"topic {name!r} collides with {other!r}: metrics cannot tell '.' from '_'",
    )


def _assignments(
    image: MetadataImage, new: NewTopic, defaults: TopicDefaults
) -> list[tuple[int, ...]]:
    if new.assignments:
        if new.partition_count != DEFAULT or new.replication_factor != DEFAULT:
            raise KafkaError(
                ErrorCode.invalid_request, "give either counts or assignments, not both"
            )
        given = sorted(new.assignments)
        if [index for index, _ in given] != list(range(len(given))):
            raise KafkaError(
                ErrorCode.invalid_replica_assignment, "partitions must count from 0 without gaps"
            )
        return [_checked_replicas(image, replicas) for _, replicas in given]
    count = defaults.partition_count if new.partition_count == DEFAULT else new.partition_count
    _check_partition_count(count)
    factor = (
        defaults.replication_factor if new.replication_factor == DEFAULT else new.replication_factor
    )
    if factor < 1 or factor > len(image.brokers):
        raise KafkaError(
            ErrorCode.invalid_replication_factor,
            f"replication factor {factor} with {len(image.brokers)} broker(s)",
        )
    return [_place(image, index, factor) for index in range(count)]


def _check_partition_count(count: int) -> None:
    if not 1 <= count <= PARTITIONS_MAX:
        raise KafkaError(
            ErrorCode.invalid_partitions,
            f"{count} partitions; a topic has between 1 and {PARTITIONS_MAX}",
        )


def _place(image: MetadataImage, index: int, factor: int) -> tuple[int, ...]:
    """Replicas in turn over the brokers, so that leaders and copies spread evenly."""
    nodes = sorted(image.brokers)
    return tuple(nodes[(index + step) % len(nodes)] for step in range(factor))


def _checked_replicas(image: MetadataImage, replicas: tuple[int, ...]) -> tuple[int, ...]:
    unknown = [node for node in replicas if node not in image.brokers]
    if not replicas or unknown or len(set(replicas)) != len(replicas):
        raise KafkaError(
            ErrorCode.invalid_replica_assignment, f"{list(replicas)} is no set of live brokers"
        )
    return replicas


def _partition_records(
    topic_id: UUID, first: int, replicas: Sequence[tuple[int, ...]]
) -> list[PartitionRecord]:
    return [
        PartitionRecord(topic_id, index, replicas=nodes, isr=nodes, leader=nodes[0], leader_epoch=0)
        for index, nodes in enumerate(replicas, first)
    ]


class TopicAdmin:
    """Makes, grows and deletes topics; returns when every partition has its leader."""

    def __init__(self, controller: Controller, defaults: TopicDefaults) -> None:
        self._controller = controller
        self._defaults = defaults

    async def create(
        self, wishes: Sequence[NewTopic], *, validate_only: bool = False
    ) -> list[CreatedTopic | KafkaError]:
        """One outcome for each wish, in their order."""
        outcomes: list[CreatedTopic | KafkaError] = []

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            records: list[MetadataRecord] = []
            times = Counter(wish.name for wish in wishes)
            taken: dict[str, str] = {}
            for wish in wishes:
                try:
                    if times[wish.name] > 1:
                        raise KafkaError(
                            ErrorCode.invalid_request, f"topic {wish.name!r} stands twice"
                        )
                    if other := taken.get(metric_name(wish.name)):
                        raise _collision(wish.name, other)
                    made = decide_topic(image, wish, self._defaults, uuid4())
                except KafkaError as error:
                    outcomes.append(error)
                else:
                    outcomes.append(_describe(wish.name, made))
                    taken[metric_name(wish.name)] = wish.name
                    records += made
            return [] if validate_only else records

        await self._controller.change(decide)
        made = [outcome.name for outcome in outcomes if isinstance(outcome, CreatedTopic)]
        if made and not validate_only:
            logger.info("created %d topic(s): %.200s", len(made), ", ".join(made))
        return outcomes

    async def ensure(self, wish: NewTopic) -> None:
        """Make the topic unless it exists.

        Raises:
            KafkaError: it does not exist and cannot be made.
        """
        [outcome] = await self.create([wish])
        if (
            isinstance(outcome, KafkaError)
            and outcome.error_code is not ErrorCode.topic_already_exists
        ):
            raise outcome

    async def grow(
        self,
        name: str,
        count: int,
        assignments: Sequence[tuple[int, ...]] | None,
        *,
        validate_only: bool = False,
    ) -> None:
        """Give the topic `count` partitions in all.

        Raises:
            KafkaError: it has as many already, or the request does not fit.
        """

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            records = decide_more_partitions(image, name, count, assignments)
            return [] if validate_only else records

        await self._controller.change(decide)

    async def delete(self, find: Callable[[MetadataImage], TopicImage]) -> None:
        """Delete the topic that `find` returns.

        Raises:
            KafkaError: what `find` raises when there is no such topic.
        """

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            topic = find(image)
            return [RemoveTopicRecord(topic.name, topic.topic_id)]

        await self._controller.change(decide)


def _describe(name: str, records: Sequence[MetadataRecord]) -> CreatedTopic:
    [topic_id] = [record.topic_id for record in records if isinstance(record, TopicRecord)]
    partitions = [record for record in records if isinstance(record, PartitionRecord)]
    return CreatedTopic(name, topic_id, len(partitions), len(partitions[0].replicas))
