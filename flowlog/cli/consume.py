"""`flowlog consume`: records become lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from flowlog.errors import ConfigError

from . import options
from .commands import Command
from .exits import ExitCode
from .record_printers import record_printer
from .tail import Tail
from .text import bytes_as_text

if TYPE_CHECKING:
    from flowlog.client.offsets import Partition
    from flowlog.client.positions import Position
    from flowlog.client.records import ReceivedRecord


@click.command("consume", cls=Command)
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...")
@click.option(
    "--from",
    "start",
    default=None,
    metavar="POSITION",
    help="start, end (default), -100 (of each partition), an offset, @2026-11-22T12:00, @-1h.",
)
@click.option(
    "--to", "stop", default=None, metavar="POSITION", help="Stop before this position; as --from."
)
@click.option(
    "-n", "--count", type=click.IntRange(min=1), metavar="N", help="Stop after N records."
)
@click.option(
    "-e", "--exit-at-end", is_flag=True, help="Stop at the end as it is now; starts at the start."
)
@click.option("-g", "--group", help="Read as a member of this group and commit.")
@click.option(
    "-p",
    "--partition",
    "numbers",
    type=click.IntRange(min=0),
    multiple=True,
    help="Only this partition.",
)
@click.option("--key", help="Only records with exactly this key.")
@click.option("--grep", metavar="REGEX", help="Only records whose key or value matches.")
@click.option("--committed", is_flag=True, help="Only records of committed transactions.")
@click.option(
    "-f",
    "--format",
    "form",
    metavar="FORMAT",
    help="A line per record, as '%t %p %o %k %v'; %h %s %T %D %%.",
)
def command(
    topics: tuple[str, ...],
    start: str | None,
    stop: str | None,
    count: int | None,
    exit_at_end: bool,
    group: str | None,
    numbers: tuple[int, ...],
    key: str | None,
    grep: str | None,
    committed: bool,
    form: str | None,
) -> int:
    """Print the records of topics as they come, from the end unless told otherwise.

    Only the value is printed when piped, where it came from too on a terminal; see -f and -o.
    Ctrl-C ends it and says how many records came, and how fast.
    """
    from flowlog.client.consuming import RecordReader

    chosen = options.current()
    tail = Tail(count, _filter(key, grep), record_printer(chosen, form))
    if group is not None and (start or stop or numbers):
        raise click.UsageError(
            "-g reads where the group stands: --from, --to and -p do not go with it",
        )
    cluster = chosen.cluster()
    wanted = _partitions(cluster, topics, numbers)
    try:
        with RecordReader(cluster, group=group, committed_only=committed) as reader:
            if group is not None:
                reader.subscribe(topics)
                tail.run(reader, _group_ends(cluster, group, wanted) if exit_at_end else None)
            else:
                first = start or ("start" if exit_at_end or stop else "end")
                starts, ends = _bounds(cluster, wanted, first, "end" if exit_at_end else stop)
                reader.assign(starts)
                tail.run(reader, ends)
    except KeyboardInterrupt:
        sys.stdout.flush()
        chosen.note(tail.summary())
        return ExitCode.INTERRUPTED
    finally:
        tail.finish()
    return ExitCode.OK


def _partitions(cluster: Any, topics: tuple[str, ...], numbers: tuple[int, ...]) -> list[Partition]:
    from flowlog.client.consuming import check_topics
    from flowlog.client.errors import ClientError
    from flowlog.client.offsets import Partition

    found = check_topics(cluster, topics)
    for topic, existing in found.items():
        for number in numbers:
            if number not in existing:
                raise ClientError(
                    f"topic {topic!r} has no partition {number}",
                    code="PARTITION_NOT_FOUND",
                    hint=f"it has {len(existing)}, from 0",
                )
    return [
        Partition(t, n)
        for t, existing in found.items()
        for n in existing
        if not numbers or n in numbers
    ]


def _bounds(
    cluster: Any, wanted: list[Partition], start: str, stop: str | None
) -> tuple[dict[Partition, int], dict[Partition, int] | None]:
    """Where each partition starts, and where those end that have anything to read."""
    from flowlog.client.positions import resolve

    starts = resolve(cluster, _position(start), wanted)
    if stop is None:
        return starts, None
    ends = resolve(cluster, _position(stop), wanted)
    open_ends = {p: end for p, end in ends.items() if end > starts[p]}
    return {p: starts[p] for p in open_ends}, open_ends


def _group_ends(cluster: Any, group: str, wanted: list[Partition]) -> dict[Partition, int]:
    from flowlog.client.groups import committed_offsets
    from flowlog.client.lag import first_unread
    from flowlog.client.offsets import offset_ranges

    committed = committed_offsets(cluster, group)
    return {
        p: bounds.end
        for p, bounds in offset_ranges(cluster, wanted).items()
        if first_unread(committed.get(p), bounds) < bounds.end
    }


def _position(text: str) -> Position:
    from flowlog.client.positions import parse_position
    from flowlog.clock import SystemClock

    return parse_position(text, now_ms=SystemClock().now_ms())


def _filter(key: str | None, grep: str | None) -> Callable[[ReceivedRecord], bool]:
    try:
        pattern = None if grep is None else re.compile(grep)
    except re.error as error:
        raise ConfigError(f"--grep {grep!r}: {error}") from None
    wanted_key = None if key is None else key.encode()

    def wanted(record: ReceivedRecord) -> bool:
        if wanted_key is not None and record.key != wanted_key:
            return False
        return pattern is None or any(
            pattern.search(bytes_as_text(part)) for part in (record.key, record.value)
        )

    return wanted
