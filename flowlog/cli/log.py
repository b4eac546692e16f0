"""`flowlog log`: look into log files without a broker, and find what is damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from flowlog.errors import ConfigError, FlowlogError

from . import options
from .commands import Group, LocalCommand
from .exits import ExitCode, report
from .text import plural, short_size

path_argument = click.argument("paths", nargs=-1, required=True, metavar="PATH...")


class LogGroup(Group):
    """Its commands read files and ask no broker."""

    command_class = LocalCommand


@click.group("log", cls=LogGroup)
def command() -> None:
    """Look into log files, and check them, without a broker."""


@command.command("dump")
@path_argument
@click.option("-r", "--records", is_flag=True, help="Also the records of each batch.")
@click.option("--offsets", is_flag=True, help="Records as __consumer_offsets means them.")
@click.option("--metadata", is_flag=True, help="Records as the metadata log means them.")
def dump_command(paths: tuple[str, ...], records: bool, offsets: bool, metadata: bool) -> int:
    """Print what is in segments, indexes, snapshots and checkpoints.

    PATH is a file, a partition's folder (all its files) or a data directory (a row for each
    partition). Changes nothing, and checks nothing but checksums: see verify.
    """
    from flowlog.broker.storage.inspect.reading import ReadOnlyFiles

    from .log_dump import section_printer, sections
    from .log_records import decode_metadata, decode_offsets

    chosen = options.current()
    if offsets and metadata:
        raise click.UsageError("--offsets and --metadata do not go together")
    decoder = decode_offsets if offsets else decode_metadata if metadata else None
    show = section_printer(chosen)
    files = ReadOnlyFiles()
    is_whole = True
    try:
        for path in _absolute(paths):
            with_records = records or decoder is not None
            for section in sections(files, path, with_records=with_records, decoder=decoder):
                try:
                    show.section(section)
                except BrokenPipeError:
                    raise
                except (FlowlogError, OSError) as error:  # The next file may be readable.
                    report(error)
                    is_whole = False
    finally:
        show.close()
    return ExitCode.OK if is_whole else ExitCode.FAILED


@command.command("verify")
@path_argument
@click.option("-r", "--records", is_flag=True, help="Also decode every record.")
@click.option("--compacted", is_flag=True, help="Offsets may have gaps, whatever the topic says.")
def verify_command(paths: tuple[str, ...], records: bool, compacted: bool) -> int:
    """Check files, partitions' folders or data directories; exits with 1 if anything is wrong.

    Prints a line for each finding: file, position in bytes, what. Reads every batch's checksum,
    and holds offsets, leader epochs, indexes, snapshots and checkpoints against the batches.
    Changes nothing and takes no lock, so a broker may go on running.
    """
    from flowlog.broker.storage.inspect.findings import Tally

    from .log_verify import findings, print_findings

    chosen = options.current()
    tally = Tally()
    found = findings(
        chosen, _absolute(paths), decode_records=records, is_compacted=compacted, tally=tally
    )
    count = print_findings(chosen, found)
    batches = "1 batch" if tally.batch_count == 1 else f"{tally.batch_count:,} batches"
    chosen.note(
        f"{plural(tally.segment_count, 'segment')}, {batches}, {short_size(tally.size_bytes)}: "
        + (plural(count, "finding") if count else "nothing is wrong")
    )
    return ExitCode.FAILED if count else ExitCode.OK


def _absolute(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        real = os.path.realpath(path)
        if not os.path.exists(real):
            raise ConfigError(f"there is no {path}")
        yield real
