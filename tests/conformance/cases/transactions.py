"""Transactions: the coordinator's calls of a producer, and what shows them to people."""

from __future__ import annotations

from typing import Any

from flowlog.broker.wire import messages
from tests.conformance.cases.groups import ready
from tests.conformance.probe import Probe, case

COORDINATOR, INIT, ADD, ADD_OFFSETS, END, COMMIT = 10, 22, 24, 25, 26, 28
DESCRIBE_PRODUCERS, DESCRIBE, LIST = 61, 65, 66
RETRY = (14, 15, 16, 51)
TRANSACTION_KEY = 1
BATCHES_SINCE = 4
"""AddPartitionsToTxn from here on is for brokers, which send many transactions at once."""


def started(probe: Probe, word: str = "txn") -> tuple[str, Any]:
    """A transactional id and its producer, as InitProducerId 4 answered."""
    name = probe.name(word)
    f = messages.find_coordinator
    wanted = f.FindCoordinatorRequest(key_type=TRANSACTION_KEY, coordinator_keys=(name,))
    probe.call(COORDINATOR, 4, wanted)
    return name, init(probe, name)


def init(probe: Probe, name: str) -> Any:
    m = messages.init_producer_id
    request = m.InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=60_000)
    answer = probe.call_until(INIT, 4, request, lambda row: row.error_code not in RETRY)
    assert answer.error_code == 0, answer
    return answer


def add(probe: Probe, name: str, producer: Any, topic: str, partition: int = 0) -> Any:
    """Add a partition by a version that clients speak; the answer, not compared."""
    return probe.call_until(
        ADD,
        3,
        _add(name, producer.producer_id, producer.producer_epoch, topic, partition),
        lambda row: (
            row.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
            not in RETRY
        ),
    )


def _add(name: str, producer_id: int, epoch: int, topic: str, partition: int) -> Any:
    m = messages.add_partitions_to_txn
    row = m.AddPartitionsToTxnTopic(name=topic, partitions=(partition,))
    return m.AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=name,
        v3_and_below_producer_id=producer_id,
        v3_and_below_producer_epoch=epoch,
        v3_and_below_topics=(row,),
    )


@case(INIT, needs=END)
def a_transactional_producer(probe: Probe) -> None:
    m = messages.init_producer_id
    name, first = started(probe)

    def ask(timeout_ms: int = 60_000, **more: int) -> Any:
        request = m.InitProducerIdRequest(
            transactional_id=name, transaction_timeout_ms=timeout_ms, **more
        )
        return probe.ask_until(request, lambda answer: answer.error_code not in RETRY)

    ask()
    ask(timeout_ms=0)
    ask(timeout_ms=10**9)
    if probe.version >= 3:
        ask(producer_id=first.producer_id, producer_epoch=0)
        ask(producer_id=first.producer_id + 5, producer_epoch=1)
        ask(producer_id=first.producer_id, producer_epoch=1)


@case(ADD, until=BATCHES_SINCE - 1)
def partitions_of_a_transaction(probe: Probe) -> None:
    topic = probe.topic("topic", 2)
    name, producer = started(probe)
    right = (producer.producer_id, producer.producer_epoch)

    def ask(own: str, producer_id: int, epoch: int, of: str = topic, partition: int = 0) -> None:
        probe.ask(_add(own, producer_id, epoch, of, partition))

    ask(name, *right)
    ask(name, *right)
    ask(name, *right, partition=1)
    ask(name, *right, partition=7)
    ask(name, *right, of=probe.name("missing"))
    ask(name, right[0] + 5, right[1])
    ask(name, right[0], right[1] + 1)
    ask(probe.name("unknown"), *right)
    ask("", *right)


def end(name: str, producer: Any, *, commit: bool = True, epoch: int | None = None) -> Any:
    return messages.end_txn.EndTxnRequest(
        transactional_id=name,
        producer_id=producer.producer_id,
        producer_epoch=producer.producer_epoch if epoch is None else epoch,
        committed=commit,
    )


TV2_SINCE = 5
"""EndTxn from here on bumps the epoch and returns it (KIP-890)."""


@case(END, until=TV2_SINCE - 1)
def transactions_end(probe: Probe) -> None:
    topic = probe.topic("topic")
    name, producer = started(probe)
    probe.ask(end(name, producer))
    add(probe, name, producer, topic)
    probe.ask(end(name, producer, epoch=producer.producer_epoch + 1))
    probe.ask(end(probe.name("unknown"), producer))
    probe.ask(end(name, producer))
    again = lambda answer: answer.error_code not in RETRY  # noqa: E731
    probe.ask_until(end(name, producer), again)
    probe.ask_until(end(name, producer, commit=False), again)
    add(probe, name, producer, topic)
    probe.ask(end(name, producer, commit=False))
    probe.ask_until(end(name, producer, commit=False), again)


@case(END, since=TV2_SINCE)
def transactions_end_with_a_new_epoch(probe: Probe) -> None:
    topic = probe.topic("topic")
    name, producer = started(probe)
    add(probe, name, producer, topic)
    again = lambda answer: answer.error_code not in RETRY  # noqa: E731
    probe.ask(end(name, producer))
    probe.ask_until(end(name, producer), again)
    probe.ask_until(end(name, producer, epoch=producer.producer_epoch + 1), again)
    probe.ask_until(end(name, producer, commit=False, epoch=producer.producer_epoch + 1), again)
    probe.ask(end(name, producer, epoch=producer.producer_epoch + 9))


@case(ADD_OFFSETS)
def offsets_of_a_transaction(probe: Probe) -> None:
    m = messages.add_offsets_to_txn
    group = probe.name("group")
    ready(probe, group)
    name, producer = started(probe)

    def ask(own: str, producer_id: int, epoch: int, of: str = group) -> None:
        probe.ask(
            m.AddOffsetsToTxnRequest(
                transactional_id=own, producer_id=producer_id, producer_epoch=epoch, group_id=of
            )
        )

    ask(name, producer.producer_id, producer.producer_epoch)
    ask(name, producer.producer_id, producer.producer_epoch + 1)
    ask(name, producer.producer_id + 5, producer.producer_epoch)
    ask(probe.name("unknown"), producer.producer_id, producer.producer_epoch)


@case(COMMIT, until=4)
def offsets_committed_in_a_transaction(probe: Probe) -> None:
    m = messages.txn_offset_commit
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    name, producer = started(probe)
    a = messages.add_offsets_to_txn
    probe.call(
        ADD_OFFSETS,
        3,
        a.AddOffsetsToTxnRequest(
            transactional_id=name,
            producer_id=producer.producer_id,
            producer_epoch=producer.producer_epoch,
            group_id=group,
        ),
    )

    def ask(epoch: int, partition: int = 0, **more: Any) -> None:
        row = m.TxnOffsetCommitRequestPartition(partition_index=partition, committed_offset=5)
        wanted = m.TxnOffsetCommitRequestTopic(name=topic, partitions=(row,))
        probe.ask(
            m.TxnOffsetCommitRequest(
                transactional_id=name,
                group_id=group,
                producer_id=producer.producer_id,
                producer_epoch=epoch,
                topics=(wanted,),
                **more,
            )
        )

    ask(producer.producer_epoch)
    ask(producer.producer_epoch, partition=7)
    ask(producer.producer_epoch + 1)
    if probe.version >= 3:
        ask(producer.producer_epoch, member_id="no-such-member", generation_id=3)
    fetch = messages.offset_fetch
    for stable in (False, True):
        wanted = fetch.OffsetFetchRequestTopics(name=topic, partition_indexes=(0,))
        one = fetch.OffsetFetchRequestGroup(group_id=group, topics=(wanted,))
        probe.ask(
            fetch.OffsetFetchRequest(groups=(one,), require_stable=stable), api_key=9, version=8
        )
    probe.call(END, 3, end(name, producer))


@case(DESCRIBE)
def transactions_described(probe: Probe) -> None:
    m = messages.describe_transactions
    topic = probe.topic("topic")
    name, producer = started(probe)
    ids = (name, probe.name("unknown"))
    probe.ask(m.DescribeTransactionsRequest(transactional_ids=ids))
    add(probe, name, producer, topic)
    probe.ask(m.DescribeTransactionsRequest(transactional_ids=(name,)))
    probe.ask(m.DescribeTransactionsRequest(transactional_ids=("",)))
    probe.call(END, 3, end(name, producer))


@case(LIST)
def transactions_listed(probe: Probe) -> None:
    m = messages.list_transactions
    topic = probe.topic("topic")
    name, producer = started(probe)
    add(probe, name, producer, topic)

    def own(**more: Any) -> None:
        answer = probe.call(LIST, probe.version, m.ListTransactionsRequest(**more))
        answer.transaction_states = tuple(
            row for row in answer.transaction_states if row.transactional_id == name
        )
        probe.keep(answer)

    own()
    own(state_filters=("Ongoing",))
    own(state_filters=("Empty",))
    own(state_filters=("NoSuchState", "Ongoing"))
    own(producer_id_filters=(producer.producer_id,))
    own(producer_id_filters=(producer.producer_id + 5,))
    if probe.version >= 1:
        own(duration_filter=10**9)
    if probe.version >= 2:
        own(transactional_id_pattern=name[:-1] + ".")
        own(transactional_id_pattern="no-such-.*")
        own(transactional_id_pattern="[")
    probe.call(END, 3, end(name, producer))


@case(DESCRIBE_PRODUCERS)
def producers_of_partitions(probe: Probe) -> None:
    m = messages.describe_producers
    topic = probe.topic("topic")
    rows = (
        m.TopicRequest(name=topic, partition_indexes=(0, 7)),
        m.TopicRequest(name=probe.name("missing"), partition_indexes=(0,)),
    )
    probe.ask(m.DescribeProducersRequest(topics=rows))


@case(COORDINATOR, since=1, needs=END)
def who_looks_after_a_transaction(probe: Probe) -> None:
    m = messages.find_coordinator
    name, _ = started(probe)
    if probe.version < 4:
        probe.ask(m.FindCoordinatorRequest(key=name, key_type=TRANSACTION_KEY))
        probe.ask(m.FindCoordinatorRequest(key="", key_type=TRANSACTION_KEY))
    else:
        probe.ask(m.FindCoordinatorRequest(coordinator_keys=(name, ""), key_type=TRANSACTION_KEY))
