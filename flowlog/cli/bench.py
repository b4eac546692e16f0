"""`flowlog bench`: how fast a cluster takes and gives records, whatever Kafka it is.

Flags are those of Kafka's performance tools where they have one for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from flowlog.errors import FlowlogError

from . import options
from .bench_options import (
    interval_option,
    partitions_option,
    producer_props,
    topic_option,
    warmup_option,
)
from .bench_report import CONSUME, LATENCY, PRODUCE, show_result
from .commands import Group
from .exits import ExitCode
from .text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE_DEFAULT: Final = 100


@click.group("bench", cls=Group)
def command() -> None:
    """Measure how fast a cluster takes and gives records."""


@command.command("produce")
@topic_option
@click.option("--num-records", type=click.IntRange(min=1), required=True, metavar="N")
@click.option(
    "--record-size",
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="Of each value (default 100).",
)
@click.option(
    "--throughput",
    type=float,
    default=-1,
    show_default=True,
    metavar="N",
    help="At most N records a second; -1: as fast as it goes.",
)
@click.option(
    "--payload-file", metavar="FILE", help="Take the values from a file, in random order."
)
@click.option(
    "--payload-delimiter", default="\\n", show_default=True, help="What stands between them."
)
@click.option("--payload-monotonic", is_flag=True, help="The values are 0, 1, 2 and so on.")
@warmup_option
@interval_option
@partitions_option
@producer_props
def produce_command(
    topic: str,
    num_records: int,
    record_size: int | None,
    throughput: float,
    payload_file: str | None,
    payload_delimiter: str,
    payload_monotonic: bool,
    warmup_records: int,
    reporting_interval: int,
    partitions: int | None,
    props: tuple[str, ...],
) -> int:
    """Write records and say how many a second, and how long each waited for its answer.

    A megabyte is 1,048,576 bytes, as in Kafka's tools. Python's own share is about two
    microseconds a record.
    """
    from .bench_produce import ProduceLoad

    if warmup_records >= num_records:
        raise click.UsageError("--warmup-records must be fewer than --num-records")
    chosen = options.current()
    chosen.properties.extend(props)
    payloads = _payloads(record_size, payload_file, payload_delimiter, monotonic=payload_monotonic)
    cluster = _cluster_with(chosen, topic, partitions)
    load = ProduceLoad(
        cluster,
        topic,
        num_records=num_records,
        warmup_records=warmup_records,
        throughput=throughput,
        report=chosen.note,
        reporting_interval_s=reporting_interval / 1000,
    )
    show_result(chosen, PRODUCE, load.run(payloads))
    if load.failed_count:
        error = load.first_error or FlowlogError("no answer in time", code="TIMED_OUT")
        raise FlowlogError(
            f"{plural(load.failed_count, 'record')} not written to {topic!r}; first: {error}",
            code=error.code,
            hint=error.hint,
        )
    return ExitCode.OK


@command.command("consume")
@topic_option
@click.option("--num-records", "--messages", type=click.IntRange(min=1), required=True, metavar="N")
@click.option("--group", help="Read as a member of this group; else each partition by itself.")
@click.option("--from-latest", is_flag=True, help="Only what comes from now on.")
@interval_option
@producer_props
def consume_command(
    topic: str,
    num_records: int,
    group: str | None,
    from_latest: bool,
    reporting_interval: int,
    props: tuple[str, ...],
) -> int:
    """Read records from the start and say how many a second.

    With fewer records than asked for, it ends --timeout after the last one, with exit code 5.
    """
    from .bench_consume import consume_load

    chosen = options.current()
    chosen.properties.extend(props)
    result = consume_load(
        chosen.cluster(),
        topic,
        num_records=num_records,
        group=group,
        from_latest=from_latest,
        report=chosen.note,
        reporting_interval_s=reporting_interval / 1000,
    )
    show_result(chosen, CONSUME, result)
    if result["timed_out"]:
        raise FlowlogError(
            f"no more than {plural(result['records'], 'record')} came", code="TIMED_OUT"
        )
    return ExitCode.OK


@command.command("latency")
@topic_option
@click.option("--num-records", type=click.IntRange(min=1), required=True, metavar="N")
@click.option(
    "--record-size",
    type=click.IntRange(min=12),  # bench_latency.PAYLOAD_MIN_BYTES, not imported for --help
    default=_SIZE_DEFAULT,
    show_default=True,
    metavar="BYTES",
    help="Of each value.",
)
@click.option("--producer-acks", type=click.Choice(["1", "all"]), default="all", show_default=True)
@click.option(
    "--warmup-records",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Written before the measured ones; the first waits for connections.",
)
@partitions_option
@producer_props
def latency_command(
    topic: str,
    num_records: int,
    record_size: int,
    producer_acks: str,
    warmup_records: int,
    partitions: int | None,
    props: tuple[str, ...],
) -> int:
    """Write a record, read it, write the next: how long each took from end to end."""
    from .bench_latency import latency_load

    chosen = options.current()
    chosen.properties.extend(props)
    cluster = _cluster_with(chosen, topic, partitions)
    result = latency_load(
        cluster,
        topic,
        num_records=num_records,
        warmup_records=warmup_records,
        record_size=record_size,
        acks=producer_acks,
    )
    show_result(chosen, LATENCY, result)
    return ExitCode.OK


def _payloads(
    record_size: int | None, file: str | None, delimiter: str, *, monotonic: bool
) -> Iterator[bytes]:
    from .bench_payloads import file_payloads, numbered_payloads, random_payloads
    from .record_lines import unescape

    if sum((record_size is not None, file is not None, monotonic)) > 1:
        raise click.UsageError(
            "--record-size, --payload-file and --payload-monotonic do not go together"
        )
    if file is not None:
        return file_payloads(file, unescape(delimiter))
    if monotonic:
        return numbered_payloads()
    return random_payloads(_SIZE_DEFAULT if record_size is None else record_size)


def _cluster_with(chosen: options.Options, topic: str, partitions: int | None) -> Any:
    """The cluster, which has the topic now if that was asked for."""
    from flowlog.client.topics import NewTopic, create_topic

    cluster = chosen.cluster()
    if partitions is None:
        return cluster
    try:
        create_topic(cluster, NewTopic(topic, partitions))
    except FlowlogError as error:
        if error.code != "TOPIC_ALREADY_EXISTS":
            raise
    else:
        cluster.retry(lambda: cluster.partitions_of(topic))
    return cluster
