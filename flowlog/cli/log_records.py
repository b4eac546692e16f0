"""Records in log files, as rows: as they are, or as what the internal topics mean by them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from flowlog.broker.controller.records import decode_record
from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.groups.record_types import GroupRecord, OffsetRecord
from flowlog.broker.groups.records import decode
from flowlog.client.positions import format_time
from flowlog.errors import FlowlogError
from flowlog.records.batch import RecordBatchView, add_to_sequence
from flowlog.records.control import KEY, VALUE, ControlType
from flowlog.records.record import Record, iter_records

from .record_lines import json_bytes
from .text import printable

MAX_DECOMPRESSED_BYTES: Final = 1 << 30

Decoder = Callable[[Record], Mapping[str, Any]]


def record_rows(batch: RecordBatchView, decoder: Decoder | None) -> Iterator[dict[str, Any]]:
    """The records of a whole batch.

    Raises:
        CorruptBatchError, DecompressedTooLargeError: what is inside does not add up.
    """
    meaning = decode_control if batch.is_control else decoder
    for record in iter_records(batch, max_decompressed_bytes=MAX_DECOMPRESSED_BYTES):
        row: dict[str, Any] = {
            "kind": "record",
            "offset": record.offset,
            "sequence": _sequence(batch, record),
            "timestamp_ms": record.timestamp_ms,
            **json_bytes("key", record.key),
            **json_bytes("value", record.value),
            "headers": [
                {"name": name, **json_bytes("value", value)} for name, value in record.headers
            ],
        }
        if meaning is not None:
            row["decoded"] = dict(meaning(record))
        yield row


def _sequence(batch: RecordBatchView, record: Record) -> int:
    if batch.base_sequence < 0:
        return -1
    return add_to_sequence(batch.base_sequence, record.offset - batch.base_offset)


def record_line(row: Mapping[str, Any]) -> str:
    """A record for people: offset, time, then key, value and headers, or what they mean."""
    start = f"  {row['offset']}  {format_time(row['timestamp_ms']) or '-'}"
    if "decoded" in row:
        return f"{start}  {_pairs(row['decoded'])}"
    parts = [_shown_field(row, "key"), _shown_field(row, "value")]
    parts += [f"{printable(h['name'])}: {_shown_field(h, 'value')}" for h in row["headers"]]
    return "  ".join([start, *parts])


def _shown_field(row: Mapping[str, Any], name: str) -> str:
    encoded = row.get(f"{name}_base64")
    if encoded is not None:
        return shown(base64.b64decode(encoded))
    text = row[name]
    return shown(None if text is None else text.encode())


def shown(data: bytes | None) -> str:
    """Printable text in quotes, any other bytes in hex; a dash for none."""
    if data is None:
        return "-"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"0x{data.hex()}"
    if text.isprintable():
        return f'"{text}"'
    return f"0x{data.hex()}"


def _pairs(decoded: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={printable(str(value))}" for name, value in decoded.items())


def decode_control(record: Record) -> Mapping[str, Any]:
    """A control record: which marker, and which epoch of the coordinator wrote it."""
    if record.key is None or len(record.key) < KEY.size:
        return {"type": "unreadable"}
    _version, number = KEY.unpack_from(record.key)
    if number not in (ControlType.ABORT, ControlType.COMMIT):
        return {"type": f"control-{number}"}
    decoded: dict[str, Any] = {"type": ControlType(number).name.lower()}
    if record.value is not None and len(record.value) >= VALUE.size:
        decoded["coordinator_epoch"] = VALUE.unpack_from(record.value)[1]
    return decoded


def decode_offsets(record: Record) -> Mapping[str, Any]:
    """A record of `__consumer_offsets`."""
    try:
        meant = decode(CoordinatorRecord(record.key or b"", record.value))
    except ValueError as error:
        return {"type": "unreadable", "reason": str(error)}
    if meant is None:
        return {"type": "other", "key": (record.key or b"").hex()}
    if isinstance(meant, GroupRecord):
        return {"type": "group", "group": meant.group_id, **_group(meant)}
    if not isinstance(meant, OffsetRecord):
        return _part_of_group(meant)
    head = {
        "type": "offset",
        "group": meant.group_id,
        "topic": meant.topic,
        "partition": meant.partition,
    }
    if meant.committed is None:
        return {**head, "offset": None}
    committed = meant.committed
    return {
        **head,
        "offset": committed.offset,
        "leader_epoch": committed.leader_epoch,
        "metadata": committed.metadata,
        "commit_timestamp_ms": committed.commit_timestamp_ms,
    }


def _part_of_group(meant: Any) -> Mapping[str, Any]:
    """A record of one of the newer kinds of groups: what it is about, and what it says."""
    fields: dict[str, Any] = meant._asdict()
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(meant).__name__.removesuffix("Record")).lower()
    group = fields.pop("group_id")
    return {"type": kind, "group": group, **{k: v and str(v) for k, v in fields.items()}}


def _group(meant: GroupRecord) -> Mapping[str, Any]:
    stored = meant.stored
    if stored is None:
        return {"generation": None}
    return {
        "generation": stored.generation_id,
        "protocol_type": stored.protocol_type,
        "protocol": stored.protocol_name,
        "leader": stored.leader_id,
        "members": [member.member_id for member in stored.members],
    }


def decode_metadata(record: Record) -> Mapping[str, Any]:
    """A record of the metadata log."""
    import msgspec

    try:
        decoded = decode_record(record.value or b"")
    except (FlowlogError, OSError) as error:
        return {"type": "unreadable", "reason": str(error)}
    built = msgspec.to_builtins(decoded)
    assert isinstance(built, dict), built
    return built
