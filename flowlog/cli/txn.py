"""`flowlog txn`: list, describe, describe-producers, find-hanging, abort."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from flowlog.clock import SystemClock
from flowlog.errors import FlowlogError

from . import options
from .commands import Group
from .confirm import confirm
from .output import Column, emit, emit_document, table_section

if TYPE_CHECKING:
    from .txn_hanging import Hanging
    from .txn_requests import TransactionAdmin
    from .txn_views import Description, ProducerState

LIST_COLUMNS = (
    Column("transactional_id"),
    Column("state"),
    Column("producer_id", "number"),
    Column("coordinator", "number"),
)
PARTITION_COLUMNS = (Column("topic"), Column("partition", "number"))
PRODUCER_COLUMNS = (
    Column("topic"),
    Column("partition", "number"),
    Column("producer_id", "number"),
    Column("producer_epoch", "number"),
    Column("coordinator_epoch", "number", wide=True),
    Column("last_sequence", "number"),
    Column("last_timestamp_ms", "number"),
    Column("start_offset", "number"),
)
HANGING_COLUMNS = (
    Column("topic"),
    Column("partition", "number"),
    Column("start_offset", "number"),
    Column("producer_id", "number"),
    Column("producer_epoch", "number"),
    Column("coordinator_epoch", "number", wide=True),
    Column("transactional_id"),
    Column("silent_seconds", "seconds"),
)
MAX_TIMEOUT_S = 900.0
"""Kafka's transaction.max.timeout.ms: no transaction may take longer."""


@click.group("txn", cls=Group)
def command() -> None:
    """Look at transactions, find those that hang, and abort them."""


@command.command("list")
@click.option("-s", "--state", "states", multiple=True, help="Only in this state, as Ongoing.")
@click.option("--producer-id", "producer_ids", multiple=True, type=int)
@click.option(
    "--longer-than", type=click.FloatRange(min=0), metavar="SECONDS", help="Running for longer."
)
@click.option("--match", "pattern", metavar="REGEX", help="Whose name is like this.")
def list_command(
    states: tuple[str, ...],
    producer_ids: tuple[int, ...],
    longer_than: float | None,
    pattern: str | None,
) -> None:
    """List the transactional ids."""
    from .txn_views import Filters

    chosen = options.current()
    longer_than_ms = None if longer_than is None else round(longer_than * 1000)
    with _admin(chosen) as admin:
        listed = admin.list_transactions(Filters(states, producer_ids, longer_than_ms, pattern))
        rows = sorted((row._asdict() for row in listed), key=lambda row: row["transactional_id"])
    emit(chosen, LIST_COLUMNS, rows)


@command.command("describe")
@click.argument("transactional_id")
def describe_command(transactional_id: str) -> None:
    """Show a transactional id's producer, and the partitions of its transaction."""
    chosen = options.current()
    with _admin(chosen) as admin:
        found = admin.describe(transactional_id)
    partitions = [{"topic": topic, "partition": index} for topic, index in found.partitions]
    age_s = None
    if found.started_ms is not None and partitions:
        age_s = (SystemClock().now_ms() - found.started_ms) / 1000
    document = {**found._asdict(), "age_seconds": age_s, "partitions": partitions}
    summary = (
        f"transactional id {found.transactional_id}  {found.state}  "
        f"producer {found.producer_id} epoch {found.producer_epoch}  "
        f"timeout {found.timeout_ms / 1000:g} s  coordinator {found.coordinator}\n"
    )
    sections = [summary]
    if age_s is not None:
        sections[0] = f"{summary.rstrip()}  for {age_s:.1f} s\n"
        sections.append(table_section(chosen, "partitions", PARTITION_COLUMNS, partitions))
    emit_document(chosen, document, sections)


@command.command("describe-producers")
@click.argument("topic")
@click.option("-p", "--partition", type=click.IntRange(min=0), help="Only this one.")
def describe_producers_command(topic: str, partition: int | None) -> None:
    """Show the producers that a topic's partitions remember, and their open transactions."""
    chosen = options.current()
    with _admin(chosen) as admin:
        rows = [_producer_row(state) for state in _producers(admin, topic, partition)]
    emit(chosen, PRODUCER_COLUMNS, rows)


@command.command("find-hanging")
@click.option("-t", "--topic", "topics", multiple=True, help="Only this topic; all without.")
@click.option(
    "--max-timeout",
    type=click.FloatRange(min=0),
    default=MAX_TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="Only what has been silent for longer, as no transaction may be.",
)
def find_hanging_command(topics: tuple[str, ...], max_timeout: float) -> None:
    """Find transactions that no coordinator will end: they hold committed readers back."""
    from .txn_hanging import hanging, old_enough, still_open

    chosen = options.current()
    now_ms = SystemClock().now_ms()
    with _admin(chosen) as admin:
        partitions = [
            key for topic in topics or admin.topics() for key in admin.partitions_of(topic)
        ]
        producers = admin.producers_of(partitions)
        candidates = old_enough(producers, now_ms=now_ms, max_timeout_ms=round(max_timeout * 1000))
        found = list(hanging(candidates, lambda producer_id: _of_producer(admin, producer_id)))
        again = {one.state.partition for one in found}
        found = still_open(found, admin.producers_of(again))
    emit(chosen, HANGING_COLUMNS, [_hanging_row(one, now_ms) for one in found])
    if found:
        chosen.note("abort one with: flowlog txn abort TOPIC PARTITION START_OFFSET")


@command.command("abort")
@click.argument("topic")
@click.argument("partition", type=click.IntRange(min=0))
@click.argument("start_offset", type=click.IntRange(min=0))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also one that its coordinator knows of.")
def abort_command(topic: str, partition: int, start_offset: int, yes: bool, force: bool) -> None:
    """Abort the transaction that is open in a partition from START_OFFSET on.

    One that its coordinator knows of ends by itself, and may yet be committed in other
    partitions: that is refused without --force.
    """
    chosen = options.current()
    with _admin(chosen) as admin:
        state = _open_at(admin, topic, partition, start_offset)
        owner = _of_producer(admin, state.producer_id)
        if owner is not None and state.partition in owner.partitions and not force:
            raise FlowlogError(
                f"the transaction does not hang: {owner.transactional_id!r} is {owner.state}",
                code="TRANSACTION_NOT_HANGING",
                hint="wait for its timeout, or add --force",
                try_command=f"flowlog txn describe {owner.transactional_id}",
            )
        _open_at(admin, topic, partition, start_offset)  # It may have ended meanwhile.
        if not yes:
            confirm(topic, f"aborting it hides its records in {topic}-{partition} for good")
        admin.abort(state)
    chosen.note(f"aborted in {topic}-{partition} from offset {start_offset} on")


@contextmanager
def _admin(chosen: options.Options) -> Iterator[TransactionAdmin]:
    from .txn_requests import TransactionAdmin

    with closing(TransactionAdmin(chosen.cluster())) as admin:
        yield admin


def _producers(
    admin: TransactionAdmin, topic: str, partition: int | None
) -> Iterator[ProducerState]:
    partitions = admin.partitions_of(topic)
    return admin.producers_of(partitions if partition is None else [(topic, partition)])


def _of_producer(admin: TransactionAdmin, producer_id: int) -> Description | None:
    """The transactional id that has the producer id now."""
    from .txn_views import Filters

    listed = admin.list_transactions(Filters(producer_ids=(producer_id,)))
    for listing in listed:
        return admin.describe(listing.transactional_id)
    return None


def _open_at(
    admin: TransactionAdmin, topic: str, partition: int, start_offset: int
) -> ProducerState:
    for state in _producers(admin, topic, partition):
        if state.start_offset == start_offset:
            return state
    raise _not_open(topic, partition, start_offset)


def _not_open(topic: str, partition: int, start_offset: int) -> FlowlogError:
    return FlowlogError(
        f"no transaction is open in {topic}-{partition} from offset {start_offset} on",
        code="TRANSACTION_NOT_FOUND",
        try_command=f"flowlog txn describe-producers {topic} -p {partition}",
    )


def _producer_row(state: ProducerState) -> dict[str, Any]:
    topic, index = state.partition
    return {"topic": topic, **state._asdict(), "partition": index}


def _hanging_row(one: Hanging, now_ms: int) -> dict[str, Any]:
    return {
        **_producer_row(one.state),
        "transactional_id": one.transactional_id,
        "silent_seconds": (now_ms - one.state.last_timestamp_ms) / 1000,
    }
