"""`flowlog produce`: lines become records."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from flowlog.errors import FlowlogError

from . import options
from .commands import LocalCommand
from .exits import ExitCode
from .text import plural

if TYPE_CHECKING:
    from flowlog.client.producing import Delivery
    from flowlog.client.records import OutgoingRecord


class ProduceCommand(LocalCommand):
    """Connects, but prints no table."""

    connects = True
    prints = False


@click.command("produce", cls=ProduceCommand)
@click.argument("topic")
@click.argument(
    "file", default="-", type=click.Path(dir_okay=False, allow_dash=True), metavar="[FILE|-]"
)
@click.option("-k", "--key", help="The key of every record.")
@click.option("-K", "--key-separator", metavar="SEP", help="Each line is KEY SEP VALUE.")
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    metavar="KEY=VALUE",
    help="A header of every record.",
)
@click.option("-p", "--partition", type=click.IntRange(min=0), help="Write to this partition.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["lines", "jsonl"]),
    default="lines",
    show_default=True,
    help="jsonl is what consume -o jsonl writes.",
)
@click.option(
    "--tombstone",
    is_flag=True,
    help="Records without a value: one for -k, else one per line, the line being the key.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="At most N records a second.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop after N records; a shorter FILE is read again.",
)
def command(
    topic: str,
    file: str,
    key: str | None,
    key_separator: str | None,
    headers: tuple[str, ...],
    partition: int | None,
    form: str,
    tombstone: bool,
    rate: float | None,
    count: int | None,
) -> int:
    """Write lines of FILE or standard input to TOPIC as records.

    The topic must exist. Exits with 1 if any record could not be written; -v prints where each
    one went.
    """
    from flowlog.client.producing import RecordWriter

    from .record_lines import parse_header

    chosen = options.current()
    common = tuple(parse_header(text) for text in headers)
    convert = _converter(form=form, key=key, separator=key_separator, tombstone=tombstone)
    writer = RecordWriter(chosen.cluster(), topic, on_delivery=_printer(chosen))
    pace = _Pace(rate, writer.wait)
    lines = _one_line() if tombstone and key is not None else _lines(file, count)
    with writer, closing(lines):
        for number, line in enumerate(lines, start=1):
            record = _record(convert, line, number)
            writer.write(_completed(record, common, partition))
            if number == count:
                break
            pace.keep(number)
    return _report(chosen, topic, writer)


def _converter(
    *, form: str, key: str | None, separator: str | None, tombstone: bool
) -> Callable[[bytes], OutgoingRecord]:
    """How a line becomes a record."""
    from flowlog.client.records import OutgoingRecord

    from .record_lines import parse_json_record, unescape

    if form == "jsonl":
        if key is not None or separator is not None or tombstone:
            raise click.UsageError("-k, -K and --tombstone do not go with --format jsonl")
        return lambda line: parse_json_record(line.decode())
    fixed_key = None if key is None else key.encode()
    if tombstone:
        return lambda line: OutgoingRecord(fixed_key if fixed_key is not None else line, None)
    if separator is None:
        return lambda line: OutgoingRecord(fixed_key, line)
    if fixed_key is not None:
        raise click.UsageError("-k and -K do not go together")
    return _splitter(unescape(separator).encode())


def _splitter(separator: bytes) -> Callable[[bytes], OutgoingRecord]:
    from flowlog.client.records import OutgoingRecord

    if not separator:
        raise click.UsageError("-K needs a separator")

    def split(line: bytes) -> OutgoingRecord:
        key, found, value = line.partition(separator)
        if not found:
            raise FlowlogError(
                f"no separator {separator.decode()!r} in the line", code="INVALID_RECORD"
            )
        return OutgoingRecord(key, value)

    return split


def _record(convert: Callable[[bytes], OutgoingRecord], line: bytes, number: int) -> OutgoingRecord:
    try:
        return convert(line)
    except UnicodeDecodeError:
        raise FlowlogError(f"line {number}: not UTF-8", code="INVALID_RECORD") from None
    except FlowlogError as error:
        raise FlowlogError(f"line {number}: {error}", code=error.code, hint=error.hint) from None


def _completed(
    record: OutgoingRecord, headers: tuple[tuple[str, bytes], ...], partition: int | None
) -> OutgoingRecord:
    from dataclasses import replace

    if not headers and partition is None:
        return record
    return replace(record, headers=(*record.headers, *headers), partition=partition)


def _one_line() -> Generator[bytes, None, None]:
    yield b""


def _lines(file: str, count: int | None) -> Generator[bytes, None, None]:
    """Lines without their ends; a FILE starts again while `count` asks for more."""
    if file == "-":
        yield from _stripped(sys.stdin.buffer)
        return
    with Path(file).open("rb") as stream:
        while True:
            seen = 0
            for line in _stripped(stream):
                seen += 1
                yield line
            if count is None or seen == 0:
                return
            stream.seek(0)


def _stripped(stream: BinaryIO) -> Iterator[bytes]:
    for line in stream:
        yield line.removesuffix(b"\n").removesuffix(b"\r")


class _Pace:
    """Keeps to a rate by waiting, measured from the first record so that errors do not add up."""

    def __init__(self, rate: float | None, wait: Callable[[float], None]) -> None:
        self._rate = rate
        self._wait = wait
        self._start = time.monotonic()

    def keep(self, written_count: int) -> None:
        if self._rate is None:
            return
        due = self._start + written_count / self._rate
        while (left_s := due - time.monotonic()) > 0:
            self._wait(left_s)


def _printer(chosen: options.Options) -> Callable[[Delivery], None] | None:
    if not chosen.verbosity:
        return None

    def show(delivery: Delivery) -> None:
        if delivery.error is None:
            print(f"{delivery.partition}:{delivery.offset}")

    return show


def _report(chosen: options.Options, topic: str, writer: Any) -> int:
    if writer.failed_count:
        error = writer.first_error
        raise FlowlogError(
            f"{plural(writer.failed_count, 'record')} not written to {topic!r}, "
            f"{writer.delivered_count:,} written; first: {error}",
            code=error.code,
            hint=error.hint,
        )
    if sys.stderr.isatty():
        chosen.note(f"{plural(writer.delivered_count, 'record')} written to {topic}")
    return ExitCode.OK
