"""Transactions as brokers tell of them (KIP-664): their coordinators' view, and the partitions'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from flowlog.client.errors import ClientError, topic_not_found
from flowlog.client.settings import Address

from .txn_views import Description, Filters, Listing, ProducerState, TopicPartition
from .wire_client import WireClient

FIND_COORDINATOR: Final = 10
WRITE_TXN_MARKERS: Final = 27
DESCRIBE_PRODUCERS: Final = 61
DESCRIBE_TRANSACTIONS: Final = 65
LIST_TRANSACTIONS: Final = 66
TRANSACTION_KEY: Final = 1
DURATION_FILTER_SINCE: Final = 1
PATTERN_SINCE: Final = 2
NO_OFFSET: Final = -1
RETRIABLE: Final = frozenset(
    {
        ErrorCode.coordinator_not_available,
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.not_coordinator,
        ErrorCode.not_leader_or_follower,
    }
)


class TransactionAdmin:
    """Asks the brokers of a cluster; its calls raise `ClientError`."""

    def __init__(self, cluster: Any) -> None:
        """`cluster` is a `flowlog.client.cluster.Cluster`."""
        self._cluster = cluster
        self._wire = WireClient(cluster.settings)
        self._metadata = cluster.metadata()
        self._addresses: Mapping[int, Address] = {
            node.id: Address(node.host, node.port) for node in self._metadata.brokers.values()
        }

    def list_transactions(self, filters: Filters) -> Iterator[Listing]:
        """The transactional ids of every coordinator."""
        lowest = 0
        if filters.longer_than_ms is not None:
            lowest = DURATION_FILTER_SINCE
        if filters.pattern is not None:
            lowest = PATTERN_SINCE
        request = messages.list_transactions.ListTransactionsRequest(
            state_filters=filters.states,
            producer_id_filters=filters.producer_ids,
            duration_filter=-1 if filters.longer_than_ms is None else filters.longer_than_ms,
            transactional_id_pattern=filters.pattern,
        )
        for broker, address in sorted(self._addresses.items()):
            answer = self._wire.call(address, LIST_TRANSACTIONS, (lowest, 2), request)
            _check(answer.error_code, "list transactions")
            if answer.unknown_state_filters:
                raise ClientError(
                    f"no transaction is ever {', '.join(answer.unknown_state_filters)}",
                    code="UNKNOWN_STATE",
                    hint="Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, "
                    "CompleteAbort",
                )
            for row in answer.transaction_states:
                yield Listing(row.transactional_id, row.transaction_state, row.producer_id, broker)

    def describe(self, transactional_id: str) -> Description:
        """One transactional id, as its coordinator has it."""
        broker, address = self._coordinator(transactional_id)
        answer = self._wire.call(
            address,
            DESCRIBE_TRANSACTIONS,
            (0, 0),
            messages.describe_transactions.DescribeTransactionsRequest(
                transactional_ids=(transactional_id,)
            ),
        )
        row = answer.transaction_states[0]
        if row.error_code == ErrorCode.transactional_id_not_found:
            raise ClientError(
                f"no transactional id {transactional_id!r}",
                code="TRANSACTIONAL_ID_NOT_FOUND",
                try_command="flowlog txn list",
            )
        _check(row.error_code, f"describe {transactional_id!r}")
        return Description(
            row.transactional_id,
            row.transaction_state,
            broker,
            row.producer_id,
            row.producer_epoch,
            row.transaction_timeout_ms,
            row.transaction_start_time_ms if row.transaction_start_time_ms >= 0 else None,
            tuple(sorted((t.topic, p) for t in row.topics for p in t.partitions)),
        )

    def partitions_of(self, topic: str) -> tuple[TopicPartition, ...]:
        topics = self._metadata.topics
        if topic not in topics:
            raise topic_not_found(topic, topics)
        return tuple((topic, index) for index in sorted(topics[topic].partitions))

    def topics(self) -> tuple[str, ...]:
        """Every topic, internal ones too: `__consumer_offsets` takes part in transactions."""
        return tuple(sorted(self._metadata.topics))

    def producers_of(self, partitions: Iterable[TopicPartition]) -> Iterator[ProducerState]:
        """The producers that the leaders of the partitions remember."""
        m = messages.describe_producers
        for broker, led in self._by_leader(partitions).items():
            rows = tuple(
                m.TopicRequest(name=topic, partition_indexes=tuple(indexes))
                for topic, indexes in _by_topic(led).items()
            )
            answer = self._wire.call(
                self._address(broker),
                DESCRIBE_PRODUCERS,
                (0, 0),
                m.DescribeProducersRequest(topics=rows),
            )
            for topic in answer.topics:
                for partition in topic.partitions:
                    key = (topic.name, partition.partition_index)
                    _check(partition.error_code, f"describe the producers of {_name(key)}")
                    for row in partition.active_producers:
                        yield _producer_state(key, row)

    def abort(self, open_transaction: ProducerState) -> None:
        """Have the partition's leader write an abort marker, whatever the coordinator thinks."""
        m = messages.write_txn_markers
        topic, index = key = open_transaction.partition
        ((broker, _),) = self._by_leader([key]).items()
        marker = m.WritableTxnMarker(
            producer_id=open_transaction.producer_id,
            producer_epoch=open_transaction.producer_epoch,
            transaction_result=False,
            topics=(m.WritableTxnMarkerTopic(name=topic, partition_indexes=(index,)),),
            # Who never had a marker has epoch -1 here; 0 is no newer than any coordinator's.
            coordinator_epoch=max(open_transaction.coordinator_epoch, 0),
        )
        request = m.WriteTxnMarkersRequest(markers=(marker,))
        answer = self._wire.call(self._address(broker), WRITE_TXN_MARKERS, (0, 1), request)
        _check(answer.markers[0].topics[0].partitions[0].error_code, f"abort it in {_name(key)}")

    def close(self) -> None:
        self._wire.close()

    def _coordinator(self, transactional_id: str) -> tuple[int, Address]:
        """Who coordinates it; the first to be asked makes the topic, which takes a moment."""
        return self._cluster.retry(lambda: self._find_coordinator(transactional_id))  # type: ignore[no-any-return]

    def _find_coordinator(self, transactional_id: str) -> tuple[int, Address]:
        request = messages.find_coordinator.FindCoordinatorRequest(
            key_type=TRANSACTION_KEY, coordinator_keys=(transactional_id,)
        )
        address = next(iter(self._addresses.values()))
        row = self._wire.call(address, FIND_COORDINATOR, (4, 6), request).coordinators[0]
        _check(row.error_code, f"find the coordinator of {transactional_id!r}")
        return row.node_id, Address(row.host, row.port)

    def _address(self, broker: int) -> Address:
        if broker not in self._addresses:
            raise ClientError("a partition has no leader", code="LEADER_NOT_AVAILABLE")
        return self._addresses[broker]

    def _by_leader(
        self, partitions: Iterable[TopicPartition]
    ) -> Mapping[int, Sequence[TopicPartition]]:
        found: dict[int, list[TopicPartition]] = {}
        for topic, index in partitions:
            known = self._metadata.topics[topic].partitions
            if index not in known:
                raise ClientError(
                    f"topic {topic!r} has no partition {index}", code="PARTITION_NOT_FOUND"
                )
            found.setdefault(known[index].leader, []).append((topic, index))
        return found


def _producer_state(partition: TopicPartition, row: Any) -> ProducerState:
    start_offset = row.current_txn_start_offset
    return ProducerState(
        partition,
        row.producer_id,
        row.producer_epoch,
        row.coordinator_epoch,
        row.last_sequence,
        row.last_timestamp,
        None if start_offset == NO_OFFSET else start_offset,
    )


def _by_topic(partitions: Iterable[TopicPartition]) -> Mapping[str, list[int]]:
    topics: dict[str, list[int]] = {}
    for topic, index in partitions:
        topics.setdefault(topic, []).append(index)
    return topics


def _name(partition: TopicPartition) -> str:
    return f"{partition[0]}-{partition[1]}"


def _check(code: int, doing: str) -> None:
    error = ErrorCode(code)
    if error is not ErrorCode.none:
        raise ClientError(
            f"cannot {doing}: {error.name.replace('_', ' ')}",
            code=error.name.upper(),
            retriable=error in RETRIABLE,
        )
