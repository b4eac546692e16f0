"""A disk that fails under a serving broker, on real files: nothing is acknowledged that it may lose.

After an error of a write, a sync or a read the data folder is offline: every request to it answers
KAFKA_STORAGE_ERROR, also when the disk seems well again, and the broker says so once. What was
acknowledged before is there after the next start.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.server import BrokerServer
from flowlog.testing.faulty_files import FaultyFiles

from .disk_client import create, delete, fetch, folders, produce, read
from .raw_client import RawClient

pytestmark = pytest.mark.anyio

NONE, STORAGE = ErrorCode.none, ErrorCode.kafka_storage_error


def serve(files: FaultyFiles, *folders: Path, **properties: str) -> BrokerServer:
    settings = {
        "listeners": "PLAINTEXT://127.0.0.1:0",
        "log.dirs": ",".join(map(str, folders)),
        "group.initial.rebalance.delay.ms": "0",
    }
    settings |= {name.replace("_", "."): value for name, value in properties.items()}
    return BrokerServer(BrokerConfig.from_properties(settings), files=files)


def failing(operation: str, part_of_path: str) -> Callable[[str, str], OSError | None]:
    """EIO for an operation on certain files."""

    def decide(wanted: str, path: str) -> OSError | None:
        if wanted == operation and part_of_path in path:
            return OSError(errno.EIO, os.strerror(errno.EIO), path)
        return None

    return decide


def said(caplog: pytest.LogCaptureFixture, code: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.getMessage().startswith(code)]


@pytest.mark.parametrize("durability", ["replicated", "fsync"])
@pytest.mark.parametrize("operation", ["write", "sync", "none"])
async def test_after_an_error_nothing_is_acknowledged(
    tmp_path: Path, operation: str, durability: str, caplog: pytest.LogCaptureFixture
) -> None:
    """`none` is the control: the same calls, and all are answered well."""
    files = FaultyFiles()
    fails = operation == "write" or (operation == "sync" and durability == "fsync")
    async with (
        serve(files, tmp_path, durability=durability) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        assert await create(client, "orders") is NONE
        assert await produce(client, "orders", b"before") is NONE
        files.fail_when(failing(operation, ".log"))
        answers = [await produce(client, "orders", b"during")]
        files.heal()
        answers.append(await produce(client, "orders", b"after"))
        assert answers == [STORAGE if fails else NONE] * 2
        row = await fetch(client, "orders")
        assert row.error_code is (STORAGE if fails else NONE)
        assert len(said(caplog, "storage.offline")) == fails
    async with (
        serve(FaultyFiles(), tmp_path) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        values = await read(client, "orders")
        assert values[0] == b"before"
        assert (b"after" in values) is not fails
        assert await produce(client, "orders", b"again") is NONE


async def test_a_failed_sync_refuses_all_who_wait_for_it(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with serve(files, tmp_path, durability="fsync") as server:
        async with await RawClient.connect(server.bootstrap) as client:
            assert await create(client, "orders") is NONE
            assert await produce(client, "orders", b"before") is NONE
        files.fail_when(failing("sync", ".log"))
        answers: list[ErrorCode] = []

        async def one() -> None:
            async with await RawClient.connect(server.bootstrap) as client:
                answers.append(await produce(client, "orders", b"during"))

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(one)
        assert answers == [STORAGE] * 20


async def test_an_error_of_a_read_takes_the_folder_offline(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FaultyFiles()
    async with (
        serve(files, tmp_path) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        assert await create(client, "orders") is NONE
        assert await produce(client, "orders", b"before") is NONE
        files.fail_when(failing("read", ".log"))
        for _ in range(3):
            assert (await fetch(client, "orders")).error_code is STORAGE
        files.heal()
        assert await produce(client, "orders", b"after") is STORAGE
        assert len(said(caplog, "storage.offline")) == 1


@pytest.mark.parametrize("name", ["recovery-point-offset-checkpoint", ".index", ".snapshot"])
async def test_an_error_at_the_clean_stop_leaves_the_folder_unclean(
    tmp_path: Path, name: str
) -> None:
    files = FaultyFiles()

    async def serve_and_stop() -> None:
        async with (
            serve(files, tmp_path) as server,
            await RawClient.connect(server.bootstrap) as client,
        ):
            assert await create(client, "orders") is NONE
            assert await produce(client, "orders", b"before") is NONE
            files.fail_when(failing("write", name))

    with pytest.raises(OSError, match="error"):
        await serve_and_stop()
    assert not (tmp_path / ".kafka_cleanshutdown").exists()
    async with (
        serve(FaultyFiles(), tmp_path) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        assert await read(client, "orders") == [b"before"]


async def test_one_folder_fails_and_the_others_serve(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    files = FaultyFiles()
    async with (
        serve(files, first, second) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        for name in ("a", "b", "c", "d"):
            assert await create(client, name) is NONE
            assert await produce(client, name, b"before") is NONE
        before = await folders(client)
        assert {code for code, _ in before.values()} == {NONE}
        in_first, in_second = before[str(first)][1], before[str(second)][1]
        assert in_first | in_second == {"a", "b", "c", "d"}
        assert abs(len(in_first) - len(in_second)) <= 1, "spread evenly"

        files.fail_when(failing("write", str(second)))
        answers = {name: await produce(client, name, b"during") for name in sorted(in_second)}
        assert set(answers.values()) == {STORAGE}
        files.heal()
        for name in in_second:
            assert (await fetch(client, name)).error_code is STORAGE
        for name in in_first:
            assert await produce(client, name, b"after") is NONE
            assert await read(client, name) == [b"before", b"after"]
        assert await create(client, "new") is NONE
        assert await produce(client, "new", b"v") is NONE
        after = await folders(client)
        assert after[str(second)] == (STORAGE, set())
        assert after[str(first)] == (NONE, in_first | {"new"})
        assert len(said(caplog, "storage.offline")) == 1
    async with (
        serve(FaultyFiles(), first, second) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        for name in in_second:
            assert await read(client, name) == [b"before"]


@pytest.mark.parametrize("how", ["refuses", "is empty", "is not named"])
async def test_a_folder_that_is_gone_keeps_its_partitions_offline(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is not mounted must not let its partitions begin anew."""
    first, second = tmp_path / "first", tmp_path / "second"
    async with (
        serve(FaultyFiles(), first, second) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        for name in ("a", "b"):
            assert await create(client, name) is NONE
            assert await produce(client, name, b"before") is NONE
        topics = {Path(path).name: names for path, (_, names) in (await folders(client)).items()}
    (kept,), (gone,) = topics["first"], topics["second"]
    aside = second.rename(tmp_path / "aside")
    files = FaultyFiles()
    if how == "refuses":
        files.fail_when(failing("make", "/second"))
    named = (first,) if how == "is not named" else (first, second)
    async with (
        serve(files, *named) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        assert await produce(client, kept, b"after") is NONE
        assert await produce(client, gone, b"lost") is STORAGE
        assert (await fetch(client, gone)).error_code is STORAGE
        assert await create(client, "new") is NONE
        assert await produce(client, "new", b"v") is NONE
        assert len(said(caplog, "storage.offline")) == 1
        placed = await folders(client)
        assert STORAGE in {code for code, _ in placed.values()}
    if how == "is empty":
        return  # The folder that took its place has a directory.id of its own now.
    aside.rename(second)
    async with (
        serve(FaultyFiles(), first, second) as server,
        await RawClient.connect(server.bootstrap) as client,
    ):
        assert await read(client, gone) == [b"before"]
        assert await read(client, kept) == [b"before", b"after"]
        assert await delete(client, gone) is NONE
