"""What `flowlog log dump` shows of each kind of file, as rows with frozen field names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.checkpoints import (
    decode_checkpoint,
    decode_epochs,
    decode_properties,
)
from flowlog.broker.storage.inspect.directory_facts import CHECKPOINTS
from flowlog.broker.storage.inspect.index_check import offset_entries, time_entries
from flowlog.broker.storage.inspect.reading import ReadableFiles, read_whole
from flowlog.broker.storage.inspect.scan import ScannedBatch, Unreadable, scan, whole_batch
from flowlog.broker.storage.inspect.small_files import aborted_entries, snapshot_entries
from flowlog.broker.storage.segment_names import EPOCH_CHECKPOINT, PARTITION_METADATA, parse
from flowlog.errors import FlowlogError
from flowlog.records.batch import CODEC_MASK, Codec

from .log_records import Decoder, record_rows
from .output import Column

Row = dict[str, Any]

BATCH: Final = (
    Column("position", "number"),
    Column("base_offset", "number"),
    Column("last_offset", "number"),
    Column("record_count", "number"),
    Column("size_bytes", "number"),
    Column("leader_epoch", "number"),
    Column("producer_id", "number"),
    Column("producer_epoch", "number"),
    Column("base_sequence", "number"),
    Column("last_sequence", "number"),
    Column("codec"),
    Column("is_transactional"),
    Column("is_control"),
    Column("timestamp_type", wide=True),
    Column("base_timestamp_ms", "number", wide=True),
    Column("max_timestamp_ms", "number"),
    Column("delete_horizon_ms", "number", wide=True),
    Column("crc", wide=True),
    Column("crc_ok"),
)
OFFSET_INDEX: Final = (
    Column("at", "number"),
    Column("offset", "number"),
    Column("position", "number"),
)
TIME_INDEX: Final = (
    Column("at", "number"),
    Column("timestamp_ms", "number"),
    Column("offset", "number"),
)
SNAPSHOT: Final = tuple(
    Column(name, "number")
    for name in (
        "producer_id",
        "producer_epoch",
        "last_sequence",
        "last_offset",
        "offset_delta",
        "timestamp_ms",
        "coordinator_epoch",
        "transaction_first_offset",
    )
)
ABORTED: Final = tuple(
    Column(name, "number")
    for name in ("producer_id", "first_offset", "last_offset", "last_stable_offset")
)
EPOCHS: Final = (Column("leader_epoch", "number"), Column("start_offset", "number"))
OFFSETS: Final = (Column("topic"), Column("partition", "number"), Column("offset", "number"))
PROPERTIES: Final = (Column("key"), Column("value"))


@dataclass(frozen=True, slots=True)
class Section:
    """What one file holds. The rows are read as they are asked for, and raise what is wrong."""

    path: str
    kind: str
    columns: tuple[Column, ...]
    rows: Iterator[Row]


def file_section(
    files: ReadableFiles, path: str, *, with_records: bool, decoder: Decoder | None
) -> Section | None:
    """What to show of a file; None for a name that says nothing about its content."""
    name = path.rpartition("/")[2]
    if name.endswith(".log"):
        rows = _batches(files, path, with_records=with_records, decoder=decoder)
        return Section(path, "batch", BATCH, rows)
    for suffix, kind, columns in (
        (".index", "offset_index_entry", OFFSET_INDEX),
        (".timeindex", "time_index_entry", TIME_INDEX),
        (".snapshot", "producer", SNAPSHOT),
        (".txnindex", "aborted_transaction", ABORTED),
    ):
        if name.endswith(suffix):
            return Section(path, kind, columns, _entries(files, path, suffix))
    if name == EPOCH_CHECKPOINT:
        return Section(path, "leader_epoch", EPOCHS, _epochs(files, path))
    if name in CHECKPOINTS or name.endswith("-offset-checkpoint"):
        return Section(path, "offset", OFFSETS, _offsets(files, path))
    if name in (PARTITION_METADATA, df.META_PROPERTIES):
        separator = ": " if name == PARTITION_METADATA else "="
        return Section(path, "property", PROPERTIES, properties(files, path, separator))
    return None


def folder_paths(files: ReadableFiles, folder: str) -> list[str]:
    """The files of a partition's folder in the order in which they are best read."""
    names = [entry.name for entry in files.list_dir(folder) if not entry.is_directory]
    return [f"{folder}/{name}" for name in sorted(names, key=lambda n: (parse(n) is not None, n))]


def _batches(
    files: ReadableFiles, path: str, *, with_records: bool, decoder: Decoder | None
) -> Iterator[Row]:
    """Raises FlowlogError where the file stops being readable."""
    file = files.open(path)
    try:
        for item in scan(file, file.size_bytes()):
            if isinstance(item, Unreadable):
                raise FlowlogError(
                    f"{path}:{item.position}: {item.what}",
                    code="CORRUPT_BATCH",
                    try_command=f"flowlog log verify {path}",
                )
            yield batch_row(item)
            if with_records:
                yield from record_rows(whole_batch(file, item), decoder)
    finally:
        file.close()


def batch_row(batch: ScannedBatch) -> Row:
    """The fields of a batch's header."""
    header = batch.header
    number = header.attributes & CODEC_MASK
    base_ms = header.base_timestamp_ms
    return {
        "kind": "batch",
        "position": batch.position,
        "base_offset": header.base_offset,
        "last_offset": header.last_offset,
        "record_count": header.record_count,
        "size_bytes": header.size_bytes,
        "leader_epoch": header.leader_epoch,
        "producer_id": header.producer_id,
        "producer_epoch": header.producer_epoch,
        "base_sequence": header.base_sequence,
        "last_sequence": header.last_sequence,
        "codec": Codec(number).name.lower() if number <= Codec.ZSTD else f"codec-{number}",
        "is_transactional": header.is_transactional,
        "is_control": header.is_control,
        "timestamp_type": "LogAppendTime" if header.is_log_append_time else "CreateTime",
        "base_timestamp_ms": None if header.has_delete_horizon else base_ms,
        "max_timestamp_ms": header.max_timestamp_ms,
        "delete_horizon_ms": base_ms if header.has_delete_horizon else None,
        "crc": f"{header.crc:08x}",
        "crc_ok": batch.crc_ok,
    }


def _entries(files: ReadableFiles, path: str, suffix: str) -> Iterator[Row]:
    data = read_whole(files, path)
    named = parse(path.rpartition("/")[2])
    base_offset = named[0] if named is not None else 0
    if suffix == ".index":
        for entry in offset_entries(data, base_offset):
            yield {"at": entry.at, "offset": entry.last_offset, "position": entry.position}
    elif suffix == ".timeindex":
        for time in time_entries(data, base_offset):
            yield {"at": time.at, "timestamp_ms": time.timestamp_ms, "offset": time.last_offset}
    elif suffix == ".snapshot":
        for producer in snapshot_entries(data):
            yield producer._asdict()
    else:
        for aborted in aborted_entries(data):
            yield aborted._asdict()


def _epochs(files: ReadableFiles, path: str) -> Iterator[Row]:
    for epoch, start_offset in decode_epochs(read_whole(files, path)):
        yield {"leader_epoch": epoch, "start_offset": start_offset}


def _offsets(files: ReadableFiles, path: str) -> Iterator[Row]:
    for topic, partition, offset in decode_checkpoint(read_whole(files, path), fields=3):
        yield {"topic": topic, "partition": _number(partition), "offset": _number(offset)}


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def properties(files: ReadableFiles, path: str, separator: str) -> Iterator[Row]:
    """The lines of a file of `key=value`, or of `key: value`."""
    text = read_whole(files, path).replace(separator.encode(), b"=")
    for key, value in decode_properties(text).items():
        yield {"key": key, "value": value}
