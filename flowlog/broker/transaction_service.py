"""Where the transaction coordinator meets the broker: its settings, its log, and its markers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import OFFSETS_TOPIC, TRANSACTIONS_TOPIC, NewTopic
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.controller.features import TRANSACTION_VERSION, level
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.coordinator.commit_log import CommitLog, CoordinatorMarker, RecordProducer
from flowlog.broker.coordinator.partition_commit_log import PartitionCommitLog
from flowlog.broker.groups.coordinator import GroupCoordinator
from flowlog.broker.replication.partition import Partition
from flowlog.broker.replication.partitions import Partitions
from flowlog.broker.transactions.config import TransactionConfig
from flowlog.broker.transactions.markers import Marker
from flowlog.broker.transactions.markers import Partitions as MarkedPartitions
from flowlog.broker.transactions.transaction import TopicPartition
from flowlog.clock import Clock
from flowlog.errors import KafkaError

COORDINATOR_AWAY: Final = frozenset(
    {
        ErrorCode.coordinator_not_available,
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.not_coordinator,
    }
)

Outcomes = dict[TopicPartition, ErrorCode]
Uncommitted = list[tuple[TopicPartition, Awaitable[ErrorCode]]]


def transaction_config(config: BrokerConfig, image: MetadataImage) -> TransactionConfig:
    """The coordinator's settings out of the broker's.

    Which partition holds a transactional id depends on their number, so once the topic exists its
    own number counts, whatever the setting says now.
    """
    topic = image.topic(TRANSACTIONS_TOPIC)
    return TransactionConfig(
        partition_count=len(topic.partitions)
        if topic is not None
        else config.integer("transaction.state.log.num.partitions"),
        max_timeout_ms=config.integer("transaction.max.timeout.ms"),
        id_expiration_ms=config.integer("transactional.id.expiration.ms"),
        id_expiration_check_interval_ms=config.integer(
            "transaction.remove.expired.transaction.cleanup.interval.ms"
        ),
        verifies_partitions=config.boolean("transaction.partition.verification.enable"),
    )


def transactions_topic(config: BrokerConfig) -> NewTopic:
    """`__transaction_state` as it is made when the first producer asks for its coordinator."""
    return NewTopic(
        TRANSACTIONS_TOPIC,
        partition_count=config.integer("transaction.state.log.num.partitions"),
        replication_factor=config.integer("transaction.state.log.replication.factor"),
        configs={
            "cleanup.policy": "compact",
            "compression.type": "uncompressed",
            "min.insync.replicas": str(config.integer("transaction.state.log.min.isr")),
            "segment.bytes": str(config.integer("transaction.state.log.segment.bytes")),
            "unclean.leader.election.enable": "false",
        },
    )


def open_transactions_log(partitions: Partitions, clock: Clock) -> Callable[[int], CommitLog]:
    """How the coordinator reaches its log for a partition of `__transaction_state`."""

    def open_log(index: int) -> CommitLog:
        return PartitionCommitLog(partitions.find(TRANSACTIONS_TOPIC, index), clock)

    return open_log


def coordinator_epoch(partitions: Partitions) -> Callable[[int], int]:
    """The epoch of a partition's leader, under which its coordinator speaks."""
    return lambda index: partitions.find(TRANSACTIONS_TOPIC, index).leader_epoch


def transaction_version(image: MetadataImage) -> Callable[[], int]:
    """The level of the feature transaction.version, whenever it is asked for."""
    return lambda: level(image, TRANSACTION_VERSION)


class BrokerMarkers:
    """`MarkerPort` over the partitions that this broker leads.

    A partition of `__consumer_offsets` is told through the group coordinator, for which the marker
    is a record like others.
    """

    def __init__(
        self,
        image: MetadataImage,
        partitions: Partitions,
        groups: GroupCoordinator,
        clock: Clock,
    ) -> None:
        self._image = image
        self._partitions = partitions
        self._groups = groups
        self._clock = clock

    def write(
        self, marker: Marker, partitions: MarkedPartitions
    ) -> Mapping[TopicPartition, ErrorCode] | Awaitable[Mapping[TopicPartition, ErrorCode]]:
        """Write the marker to each partition; one whose topic is gone needs none."""
        outcomes: Outcomes = {}
        uncommitted: Uncommitted = []
        for key in partitions:
            outcome = self._write(marker, *key)
            if isinstance(outcome, Awaitable):
                uncommitted.append((key, outcome))
            else:
                outcomes[key] = outcome
        return _wait_for(outcomes, uncommitted) if uncommitted else outcomes

    def _write(self, marker: Marker, topic: str, index: int) -> ErrorCode | Awaitable[ErrorCode]:
        if not self._exists(topic, index):
            return ErrorCode.none
        if topic == OFFSETS_TOPIC:
            return self._write_to_groups(marker, index)
        try:
            partition = self._partitions.find(topic, index)
            end_offset = partition.append_marker(
                producer_id=marker.producer_id,
                producer_epoch=marker.producer_epoch,
                committed=marker.is_commit,
                coordinator_epoch=marker.coordinator_epoch,
                transaction_version=marker.transaction_version,
                now_ms=self._clock.now_ms(),
            )
        except KafkaError as error:
            return error.error_code
        except OSError:
            return ErrorCode.kafka_storage_error
        if partition.is_committed(end_offset):
            return ErrorCode.none
        return _wait_committed(partition, end_offset)

    def _exists(self, topic: str, index: int) -> bool:
        """A topic that was made anew may have fewer partitions than the transaction wrote to."""
        image = self._image.topic(topic)
        return image is not None and index < len(image.partitions)

    def _write_to_groups(self, marker: Marker, index: int) -> ErrorCode | Awaitable[ErrorCode]:
        answer = self._groups.end_transaction(
            index,
            CoordinatorMarker(
                RecordProducer(marker.producer_id, marker.producer_epoch),
                marker.is_commit,
                marker.coordinator_epoch,
                marker.transaction_version,
            ),
        )
        return _later(answer) if isinstance(answer, Awaitable) else _of_partition(answer)


async def _wait_for(outcomes: Outcomes, uncommitted: Uncommitted) -> Outcomes:
    for key, outcome in uncommitted:
        outcomes[key] = await outcome
    return outcomes


async def _wait_committed(partition: Partition, end_offset: int) -> ErrorCode:
    try:
        await partition.wait_committed(end_offset)
    except OSError:
        return ErrorCode.kafka_storage_error
    except KafkaError as error:  # The topic was deleted meanwhile: the next try settles it.
        return error.error_code
    return ErrorCode.none


async def _later(answer: Awaitable[ErrorCode]) -> ErrorCode:
    return _of_partition(await answer)


def _of_partition(error: ErrorCode) -> ErrorCode:
    """A group coordinator that is away is a partition whose leader is."""
    return ErrorCode.not_leader_or_follower if error in COORDINATOR_AWAY else error
