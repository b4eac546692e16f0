"""What `flowlog log dump` shows of a data directory: its identity, and a row for each partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.directory_names import parse_directory_name
from flowlog.broker.storage.inspect.directory_facts import read_facts
from flowlog.broker.storage.inspect.reading import ReadableFiles
from flowlog.broker.storage.segment_names import PARTITION_METADATA, parse
from flowlog.errors import FlowlogError

from .log_rows import Row, Section, file_section, properties
from .output import Column

DIRECTORY: Final = (
    Column("folder"),
    Column("topic"),
    Column("partition", "number"),
    Column("segments", "number"),
    Column("size_bytes", "bytes"),
    Column("first_offset", "number"),
    Column("log_start_offset", "number"),
    Column("recovery_point", "number"),
    Column("high_watermark", "number"),
)


def directory_sections(files: ReadableFiles, path: str) -> Iterator[Section]:
    """The data directory at `path`."""
    identity = f"{path}/{df.META_PROPERTIES}"
    section = file_section(files, identity, with_records=False, decoder=None)
    assert section is not None, "meta.properties can be shown"
    yield section
    yield Section(path, "partition", DIRECTORY, _partitions(files, path))


def _partitions(files: ReadableFiles, path: str) -> Iterator[Row]:
    offsets = read_facts(files, path).offsets
    for entry in sorted(files.list_dir(path), key=lambda entry: entry.name):
        if entry.is_directory and parse_directory_name(entry.name) is not None:
            yield _partition_row(files, path, entry.name, offsets)


def _partition_row(
    files: ReadableFiles, directory: str, folder: str, offsets: Mapping[str, Mapping[Any, int]]
) -> Row:
    """One partition of a data directory, by names, sizes and checkpoints alone."""
    key = parse_directory_name(folder)
    entries = files.list_dir(f"{directory}/{folder}")
    logs = [e for e in entries if e.name.endswith(".log")]
    bases = sorted(named[0] for e in logs if (named := parse(e.name)) is not None)
    return {
        "folder": folder,
        "topic": _topic(files, f"{directory}/{folder}/{PARTITION_METADATA}"),
        "partition": None if key is None else key[1],
        "segments": len(logs),
        "size_bytes": sum(e.size_bytes for e in logs),
        "first_offset": bases[0] if bases else None,
        "log_start_offset": offsets.get(df.LOG_STARTS, {}).get(key, 0),
        "recovery_point": offsets.get(df.RECOVERY_POINTS, {}).get(key),
        "high_watermark": offsets.get(df.HIGH_WATERMARKS, {}).get(key),
    }


def _topic(files: ReadableFiles, path: str) -> str | None:
    try:
        return next(
            (r["value"] for r in properties(files, path, ": ") if r["key"] == "topic"), None
        )
    except (OSError, FlowlogError):
        return None
