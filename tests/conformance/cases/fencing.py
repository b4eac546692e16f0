"""Producers that were replaced, or late; and what brokers and tools say of transactions."""

from __future__ import annotations

from typing import Any

from flowlog.broker.wire import messages
from tests.conformance.cases.groups import ready
from tests.conformance.cases.transactions import (
    ADD,
    BATCHES_SINCE,
    COMMIT,
    DESCRIBE,
    DESCRIBE_PRODUCERS,
    END,
    INIT,
    RETRY,
    TV2_SINCE,
    add,
    end,
    init,
    started,
)
from tests.conformance.probe import Probe, case

WRITE_MARKERS, OFFSET_FETCH = 27, 9
IMPLICIT_SINCE = 5
"""TxnOffsetCommit from here on makes the offsets part of the transaction itself (KIP-890)."""


def told(answer: Any) -> bool:
    """Whether it is an answer, and not that one should come again."""
    return answer.error_code not in RETRY


def _init(name: str, **more: int) -> Any:
    return messages.init_producer_id.InitProducerIdRequest(
        transactional_id=name, transaction_timeout_ms=60_000, **more
    )


@case(INIT, since=3, needs=END)
def a_producer_that_was_replaced_at_work(probe: Probe) -> None:
    topic = probe.topic("topic")
    name, old = started(probe)
    add(probe, name, old, topic)
    was = {"producer_id": old.producer_id, "producer_epoch": old.producer_epoch}
    probe.ask(_init(name))
    probe.ask_until(_init(name), told)
    probe.ask_until(_init(name, **was), told)
    probe.ask(end(name, old), api_key=END, version=3)


@case(INIT, since=3, needs=END)
def a_producer_that_goes_on_while_it_works(probe: Probe) -> None:
    topic = probe.topic("topic")
    name, old = started(probe)
    add(probe, name, old, topic)
    was = {"producer_id": old.producer_id, "producer_epoch": old.producer_epoch}
    probe.ask(_init(name, **was))
    probe.ask_until(_init(name, **was), told)
    probe.ask_until(_init(name, **was), told)


@case(END)
def ends_of_a_producer_that_is_being_replaced(probe: Probe) -> None:
    """Between the first request of the one that replaces it, and the last."""
    topic = probe.topic("topic")
    name, old = started(probe)
    add(probe, name, old, topic)
    probe.call(INIT, 4, _init(name))
    probe.ask_until(end(name, old), told)
    probe.ask_until(end(name, old, commit=False), told)
    init(probe, name)
    probe.ask_until(end(name, old), told)
    probe.ask_until(end(name, old, commit=False), told)


@case(END, since=TV2_SINCE)
def ends_without_a_transaction(probe: Probe) -> None:
    topic = probe.topic("topic")
    name, producer = started(probe)
    epoch = producer.producer_epoch
    probe.ask(end(name, producer, epoch=epoch - 1))
    probe.ask(end(name, producer, epoch=epoch + 1, commit=False))
    for commit in (True, False):
        probe.ask_until(end(name, producer, commit=commit), told)
        probe.ask_until(end(name, producer, commit=commit), told)
    probe.ask_until(end(name, producer, commit=False, epoch=epoch + 1), told)
    probe.ask_until(end(name, producer, epoch=epoch + 2), told)
    producer.producer_epoch = epoch + 2
    add(probe, name, producer, topic)
    probe.ask_until(end(name, producer), told)
    probe.ask_until(end(name, producer, epoch=epoch + 3), told)
    probe.ask_until(end(name, producer, epoch=epoch + 3, commit=False), told)


@case(END, since=TV2_SINCE)
def an_older_client_comes_after_a_newer(probe: Probe) -> None:
    topic = probe.topic("topic")
    name, fenced = started(probe)
    current = init(probe, name)
    add(probe, name, current, topic)
    probe.call(END, 3, end(name, current))
    probe.ask_until(end(name, fenced), told)


@case(ADD, since=BATCHES_SINCE)
def partitions_of_many_transactions(probe: Probe) -> None:
    m = messages.add_partitions_to_txn
    topic = probe.topic("topic", 2)
    name, producer = started(probe)

    def one(own: str, epoch: int, *, verify: bool, partitions: tuple[int, ...] = (0,)) -> Any:
        return m.AddPartitionsToTxnTransaction(
            transactional_id=own,
            producer_id=producer.producer_id,
            producer_epoch=epoch,
            verify_only=verify,
            topics=(m.AddPartitionsToTxnTopic(name=topic, partitions=partitions),),
        )

    def ask(*transactions: Any) -> None:
        probe.ask(m.AddPartitionsToTxnRequest(transactions=transactions))

    epoch = producer.producer_epoch
    unknown = probe.name("unknown")
    ask(one(name, epoch, verify=True))
    ask(one(name, epoch, verify=False), one(unknown, 0, verify=False))
    ask(one(name, epoch, verify=True, partitions=(0, 1)), one(unknown, 0, verify=True))
    ask(one(name, epoch + 1, verify=True))
    ask(one(name, epoch + 1, verify=False))
    ask(one(name, epoch, verify=False, partitions=(1, 7)))
    probe.call(END, 3, end(name, producer))


@case(COMMIT, since=IMPLICIT_SINCE)
def offsets_that_join_a_transaction_by_themselves(probe: Probe) -> None:
    m = messages.txn_offset_commit
    fetch = messages.offset_fetch
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    name, producer = started(probe)

    def ask(epoch: int, own: str = name) -> None:
        row = m.TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=5)
        wanted = m.TxnOffsetCommitRequestTopic(name=topic, partitions=(row,))
        probe.ask(
            m.TxnOffsetCommitRequest(
                transactional_id=own,
                group_id=group,
                producer_id=producer.producer_id,
                producer_epoch=epoch,
                topics=(wanted,),
            )
        )

    ask(producer.producer_epoch)
    ask(producer.producer_epoch + 1)
    ask(producer.producer_epoch, own=probe.name("unknown"))
    described = messages.describe_transactions.DescribeTransactionsRequest(
        transactional_ids=(name,)
    )
    answer = probe.call(DESCRIBE, 0, described)
    assert answer.transaction_states[0].topics[0].topic == "__consumer_offsets", answer
    probe.ask_until(end(name, producer), told, api_key=END, version=TV2_SINCE)
    wanted = fetch.OffsetFetchRequestTopics(name=topic, partition_indexes=(0,))
    one = fetch.OffsetFetchRequestGroup(group_id=group, topics=(wanted,))
    request = fetch.OffsetFetchRequest(groups=(one,), require_stable=True)
    probe.ask_until(
        request,
        lambda found: found.groups[0].topics[0].partitions[0].committed_offset == 5,
        api_key=OFFSET_FETCH,
        version=8,
    )


@case(DESCRIBE)
def transactions_described_as_they_end(probe: Probe) -> None:
    m = messages.describe_transactions
    topic = probe.topic("topic", 2)
    name, producer = started(probe)
    request = m.DescribeTransactionsRequest(transactional_ids=(name,))
    for commit in (True, False):
        for partition in range(2):
            add(probe, name, producer, topic, partition)
        probe.call(END, 3, end(name, producer, commit=commit))
        answer = probe.call_until(
            DESCRIBE,
            0,
            request,
            lambda found: found.transaction_states[0].transaction_state.startswith("Complete"),
        )
        probe.keep(answer)


@case(WRITE_MARKERS, since=1, needs=END)
def markers_by_hand(probe: Probe) -> None:
    m = messages.write_txn_markers
    topic = probe.topic("topic")
    _, producer = started(probe)

    def ask(*topics: tuple[str, int], epoch: int = 0, coordinator_epoch: int = 0) -> None:
        rows = tuple(
            m.WritableTxnMarkerTopic(name=name, partition_indexes=(index,))
            for name, index in topics
        )
        marker = m.WritableTxnMarker(
            producer_id=producer.producer_id,
            producer_epoch=epoch,
            transaction_result=False,
            topics=rows,
            coordinator_epoch=coordinator_epoch,
        )
        probe.ask(m.WriteTxnMarkersRequest(markers=(marker,)))

    ask((topic, 0), epoch=3, coordinator_epoch=5)
    ask((topic, 0), epoch=3, coordinator_epoch=5)
    ask((topic, 0), epoch=3, coordinator_epoch=4)
    ask((topic, 0), epoch=2, coordinator_epoch=5)
    ask((topic, 7), (probe.name("missing"), 0), epoch=3)
    d = messages.describe_producers
    wanted = d.TopicRequest(name=topic, partition_indexes=(0,))
    answer = probe.call(DESCRIBE_PRODUCERS, 0, d.DescribeProducersRequest(topics=(wanted,)))
    probe.keep(answer)
