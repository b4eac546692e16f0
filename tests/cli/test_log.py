"""`flowlog log` on files that the broker's own storage wrote, and beside a running broker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlog.broker.controller.metadata_log import TOPIC_ID as METADATA_ID
from flowlog.broker.controller.records import ConfigRecord, TopicRecord, encode_record
from flowlog.broker.groups.record_types import CommittedOffset, OffsetRecord
from flowlog.broker.groups.records import encode
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.directory_names import directory_name
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.records.batch import Codec
from flowlog.records.builder import build_batch, seal
from flowlog.records.control import ControlType, EndTransactionMarker, build_end_marker
from flowlog.records.record import Record

NOW_MS = 1_700_000_000_000
ORDERS, OFFSETS = uuid.UUID(int=0xA), uuid.UUID(int=0xB)
CONFIG = LogConfig(segment_bytes=500, index_interval_bytes=100)

Run = Callable[..., tuple[int, str, str]]


def append(log: PartitionLog, batch: bytes) -> None:
    log.append_as_leader(batch, leader_epoch=4, now_ms=NOW_MS, origin=AppendOrigin.COORDINATOR)


def write_orders(log: PartitionLog) -> None:
    log.epochs.assign(4, 0)
    for i in range(6):
        append(
            log,
            build_batch(
                [
                    Record(b"k%d" % i, b"\xff\x00" * 10, (("h", b"text"),), NOW_MS + i),
                    Record(None, "café".encode() * 5, (), NOW_MS + i),
                ],
                codec=Codec.GZIP if i == 5 else Codec.NONE,
                producer_id=77,
                producer_epoch=1,
                base_sequence=2 * i,
                is_transactional=True,
            ),
        )
    marker = EndTransactionMarker(ControlType.COMMIT, 9)
    append(log, build_end_marker(marker, producer_id=77, producer_epoch=1, timestamp_ms=NOW_MS))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a metadata log, a topic and committed offsets."""
    directory = LogDirectory.open(tmp_path / "data", defaults=CONFIG)
    logs = {
        METADATA_ID: directory.create("__cluster_metadata", METADATA_ID, 0),
        ORDERS: directory.create("orders", ORDERS, 0),
        OFFSETS: directory.create("__consumer_offsets", OFFSETS, 3),
    }
    for record in (
        TopicRecord("orders", ORDERS),
        TopicRecord("__consumer_offsets", OFFSETS),
        ConfigRecord(2, "__consumer_offsets", "cleanup.policy", "compact"),
    ):
        append(logs[METADATA_ID], build_batch([Record(None, encode_record(record), (), NOW_MS)]))
    write_orders(logs[ORDERS])
    commit = encode(OffsetRecord("billing", "orders", 0, CommittedOffset(5, metadata="m")))
    append(logs[OFFSETS], build_batch([Record(commit.key, commit.value, (), NOW_MS)]))
    for log in logs.values():
        log.epochs.assign(4, 0)
        log.checkpointed_high_watermark = log.log_end_offset
    directory.close()
    return tmp_path / "data"


@pytest.fixture
def orders(data: Path) -> Path:
    return data / directory_name(ORDERS, 0)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def flip(path: Path, at: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(content)


# Dump


def test_dump_shows_every_field_of_a_batch_header(run: Run, orders: Path) -> None:
    code, out, _err = run("log", "dump", str(segments(orders)[0]), "-o", "jsonl")
    assert code == 0
    row = json.loads(out.splitlines()[1])
    assert row == {
        "file": str(segments(orders)[0]),
        "kind": "batch",
        "position": row["position"],
        "base_offset": 2,
        "last_offset": 3,
        "record_count": 2,
        "size_bytes": row["position"],
        "leader_epoch": 4,
        "producer_id": 77,
        "producer_epoch": 1,
        "base_sequence": 2,
        "last_sequence": 3,
        "codec": "none",
        "is_transactional": True,
        "is_control": False,
        "timestamp_type": "CreateTime",
        "base_timestamp_ms": NOW_MS + 1,
        "max_timestamp_ms": NOW_MS + 1,
        "delete_horizon_ms": None,
        "crc": row["crc"],
        "crc_ok": True,
    }


def test_dump_as_table_names_the_file_and_aligns_the_batches(run: Run, orders: Path) -> None:
    path = segments(orders)[0]
    code, out, _err = run("log", "dump", str(path))
    assert code == 0
    title, header, first, *_rest = out.splitlines()
    assert title == str(path)
    assert header.split()[:4] == ["position", "base", "offset", "last"]
    assert first.split()[:4] == ["0", "0", "1", "2"]
    assert first.split()[-1] == "yes"


def test_dump_with_records_shows_text_and_other_bytes_in_hex(run: Run, orders: Path) -> None:
    code, out, _err = run("log", "dump", "--records", str(segments(orders)[0]))
    assert code == 0
    lines = out.splitlines()
    assert lines[1].startswith("batch  position=0  base_offset=0")
    assert lines[2] == f'  0  2023-11-14T22:13:20.000Z  "k0"  0x{"ff00" * 10}  h: "text"'
    assert lines[3] == f'  1  2023-11-14T22:13:20.000Z  -  "{"café" * 5}"'


def test_dump_records_as_json_are_those_of_consume(run: Run, orders: Path) -> None:
    paths = [str(path) for path in segments(orders)]
    code, out, _err = run("log", "dump", "-r", "-o", "json", *paths)
    assert code == 0
    records = [row for row in json.loads(out) if row["kind"] == "record"]
    assert [row["offset"] for row in records] == list(range(13))
    assert records[0]["key"] == "k0"
    assert records[0]["value_base64"] == "/wD/AP8A/wD/AP8A/wD/AP8A/wA="
    assert records[0]["headers"] == [{"name": "h", "value": "text"}]
    assert records[11]["sequence"] == 11
    assert records[12]["decoded"] == {"type": "commit", "coordinator_epoch": 9}


def test_dump_of_a_folder_shows_every_file(run: Run, orders: Path) -> None:
    code, out, _err = run("log", "dump", str(orders), "-o", "jsonl")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["kind"] for row in rows} == {
        "batch",
        "leader_epoch",
        "offset_index_entry",
        "producer",
        "property",
        "time_index_entry",
    }
    positions = {(row["file"][-24:-4], row["position"]) for row in rows if row["kind"] == "batch"}
    for row in rows:
        if row["kind"] == "offset_index_entry":
            assert (row["file"][-26:-6], row["position"]) in positions
    assert [row for row in rows if row["kind"] == "producer"][-1]["last_sequence"] == 11


def test_dump_of_a_data_directory_is_a_row_for_each_partition(run: Run, data: Path) -> None:
    code, out, _err = run("log", "dump", str(data), "-o", "json")
    assert code == 0
    rows = {row["topic"]: row for row in json.loads(out) if row["kind"] == "partition"}
    assert rows.keys() == {"__cluster_metadata", "orders", "__consumer_offsets"}
    assert rows["orders"]["recovery_point"] == 13
    assert rows["orders"]["high_watermark"] == 13
    assert rows["orders"]["segments"] == len(segments(data / directory_name(ORDERS, 0)))
    assert rows["__consumer_offsets"]["partition"] == 3


def test_dump_decodes_committed_offsets(run: Run, data: Path) -> None:
    path = data / directory_name(OFFSETS, 3) / f"{0:020d}.log"
    code, out, _err = run("log", "dump", "--offsets", str(path))
    assert code == 0
    assert "type=offset  group=billing  topic=orders  partition=0  offset=5" in out


def test_dump_decodes_the_metadata_log(run: Run, data: Path) -> None:
    paths = [str(path) for path in segments(data / directory_name(METADATA_ID, 0))]
    code, out, _err = run("log", "dump", "--metadata", "-o", "jsonl", *paths)
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    decoded = [row["decoded"] for row in rows if "decoded" in row]
    assert decoded[0] == {"type": "topic", "name": "orders", "topic_id": str(ORDERS)}
    assert decoded[2]["value"] == "compact"


@pytest.mark.parametrize("decoder", ["--offsets", "--metadata"])
def test_dump_says_which_records_it_cannot_decode(run: Run, orders: Path, decoder: str) -> None:
    code, out, _err = run("log", "dump", decoder, str(segments(orders)[0]))
    assert code == 0
    assert "type=" in out


def test_dump_shows_what_it_can_of_a_damaged_file_and_goes_on(run: Run, orders: Path) -> None:
    first, second = segments(orders)[:2]
    content = first.read_bytes()
    first.write_bytes(content + b"torn")
    code, out, err = run("log", "dump", "-o", "jsonl", str(first), str(second))
    assert code == 1
    files = [json.loads(line)["file"] for line in out.splitlines()]
    assert str(first) in files
    assert str(second) in files
    assert f"error[CORRUPT_BATCH]: {first}:{len(content)}: 4 bytes at the end" in err


def test_dump_says_that_a_checksum_differs(run: Run, orders: Path) -> None:
    flip(segments(orders)[0], 70)
    code, out, _err = run("log", "dump", "-o", "jsonl", str(segments(orders)[0]))
    assert code == 0
    assert json.loads(out.splitlines()[0])["crc_ok"] is False


def test_dump_refuses_what_it_cannot_tell(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert run("log", "dump", str(tmp_path / "notes.txt"))[0] == 2
    assert run("log", "dump", str(tmp_path / "nothing.log"))[0] == 2
    assert run("log", "dump", "--offsets", "--metadata", str(tmp_path))[0] == 2
    assert run("log", "dump", "-o", "csv", str(tmp_path))[0] == 2


# Verify


def test_verify_of_good_files_prints_nothing_and_ends_with_0(
    run: Run, data: Path, orders: Path
) -> None:
    for path in (data, orders, *orders.iterdir(), *(p for p in data.iterdir() if p.is_file())):
        code, out, err = run("log", "verify", "--records", str(path))
        assert (code, out) == (0, ""), (path, out)
        assert err.endswith("nothing is wrong\n")


def test_verify_prints_a_line_for_each_finding_and_ends_with_1(
    run: Run, data: Path, orders: Path
) -> None:
    log = segments(orders)[0]
    flip(log, 70)
    (orders / "notes.txt").write_text("")
    code, out, err = run("log", "verify", str(data))
    assert code == 1
    assert out.splitlines() == [
        f"{orders}/notes.txt: is no file of a partition",
        f"{log}:0: checksum differs in the batch at offset 0",
    ]
    assert "2 findings" in err


def test_verify_as_json_and_jsonl(run: Run, orders: Path) -> None:
    log = segments(orders)[0]
    flip(log, 70)
    finding = {
        "file": str(log),
        "position": 0,
        "what": "checksum differs in the batch at offset 0",
    }
    assert json.loads(run("log", "verify", "-o", "json", str(log))[1]) == [finding]
    code, out, _err = run("log", "verify", "-o", "jsonl", str(log))
    assert code == 1
    assert [json.loads(line) for line in out.splitlines()] == [finding]


def test_verify_finds_a_flipped_bit_at_each_byte_of_a_log_file(run: Run, orders: Path) -> None:
    log = segments(orders)[0]
    original = log.read_bytes()
    for at in range(len(original)):
        flip(log, at, at % 8)
        code, out, _err = run("log", "verify", "-q", str(log))
        assert code == 1, at
        assert out.startswith(str(log)), at
        log.write_bytes(original)


def test_verify_knows_from_the_metadata_log_which_topics_are_compacted(
    run: Run, data: Path
) -> None:
    """A gap in `orders` is a finding, in `__consumer_offsets` it is not."""
    for topic_id, partition, expected in ((OFFSETS, 3, 0), (ORDERS, 0, 1)):
        log = segments(data / directory_name(topic_id, partition))[-1]
        content = bytearray(log.read_bytes())
        content[57:61] = (0).to_bytes(4, "big")  # No records are left of the first batch.
        size = int.from_bytes(content[8:12], "big") + 12
        seal(memoryview(content)[:size])
        log.write_bytes(content)
        assert run("log", "verify", str(log))[0] == expected
    assert run("log", "verify", "--compacted", str(log))[0] == 0


def test_verify_changes_nothing(run: Run, data: Path) -> None:
    def state() -> dict[Path, tuple[int, bytes]]:
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in data.rglob("*") if p.is_file()}

    before = state()
    for path in (*data.rglob("*"), data):
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert run("log", "verify", str(data))[0] == 0
    assert run("log", "dump", str(data))[0] == 0
    for path in (data, *data.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert state() == before


def test_verify_runs_beside_the_owner_of_the_lock(run: Run, data: Path) -> None:
    directory = LogDirectory.open(data, defaults=CONFIG)
    log = directory.get(ORDERS, 0)
    assert log is not None
    append(log, build_batch([Record(None, b"v", (), NOW_MS)]))
    code, out, err = run("log", "verify", str(data))
    assert (code, out) == (0, "")
    assert "in use" in err
    assert "may be in motion" in err
    directory.close()


@pytest.mark.e2e
def test_verify_finds_nothing_in_a_running_broker_s_directory(
    run: Run,
    ask: Callable[..., str],
    flowlog_topic: Callable[..., str],
    flowlog_broker: object,
) -> None:
    data_dir = getattr(flowlog_broker, "data_dir", None)
    if data_dir is None:
        pytest.skip("another broker's files are out of reach")
    topic = flowlog_topic(partitions=3, **{"segment.bytes": "2000"})
    for _ in range(3):
        ask("-X", "batch.size=1000", "produce", topic, stdin="a line\n" * 200)
        code, out, _err = run("log", "verify", str(data_dir))
        assert (code, out) == (0, "")
