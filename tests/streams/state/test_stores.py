"""The two stores pass the same tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlog.streams.errors import StateError
from flowlog.streams.state.memory import MemoryStore
from flowlog.streams.state.rocks import RocksStore
from flowlog.streams.state.store import Store, StorePosition, prefix_end

MakeStore = Callable[[], Store]


@pytest.fixture(params=["memory", "rocks"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Opens the same store again and again."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: store
    return lambda: RocksStore(tmp_path / "store")


def test_values_and_position_are_there_again_after_closing(make_store: MakeStore) -> None:
    store = make_store()
    assert store.position() == StorePosition(0, -1)
    store.write([(b"a", b"1"), (b"b", b"2"), (b"b", None)], StorePosition(7, 99))
    store.close()
    again = make_store()
    assert again.get(b"a") == b"1"
    assert again.get(b"b") is None
    assert again.position() == StorePosition(7, 99)
    again.close()


def test_a_scan_is_in_order_and_leaves_the_end_out(make_store: MakeStore) -> None:
    store = make_store()
    keys = [b"a", b"ab", b"abc", b"b", b"p", b"\xff\xff", b""]
    store.write([(key, key + b"!") for key in keys], StorePosition(1))
    assert list(store.scan(b"", None)) == [(key, key + b"!") for key in sorted(keys)]
    assert [key for key, _ in store.scan(b"ab", prefix_end(b"ab"))] == [b"ab", b"abc"]
    assert [key for key, _ in store.scan(b"b", b"p")] == [b"b"]
    store.close()


def test_everything_can_be_deleted(make_store: MakeStore) -> None:
    store = make_store()
    store.write([(bytes([n]), b"x") for n in range(10)], StorePosition(5))
    store.clear()
    assert list(store.scan(b"", None)) == []
    assert store.position() == StorePosition()
    store.close()


@given(st.binary(max_size=6))
def test_prefix_end_is_the_first_key_after_the_prefix(prefix: bytes) -> None:
    end = prefix_end(prefix)
    if end is None:
        assert prefix.strip(b"\xff") == b""
    else:
        assert prefix + b"\xff" * 8 < end
        assert not end.startswith(prefix) or prefix == b""


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.binary(max_size=3), st.none() | st.binary(max_size=3)))),
)
def test_rocks_holds_what_memory_holds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[bytes, bytes | None]]],
) -> None:
    memory = MemoryStore()
    rocks = RocksStore(tmp_path_factory.mktemp("rocks"))
    for offset, batch in enumerate(batches):
        for store in (memory, rocks):
            store.write(batch, StorePosition(offset))
    assert list(rocks.scan(b"", None)) == list(memory.scan(b"", None))
    rocks.close()


def test_a_store_that_another_process_holds_names_its_owner(tmp_path: Path) -> None:
    child = _hold(tmp_path / "store")
    try:
        with pytest.raises(StateError, match=f"pid {child.pid}"):
            RocksStore(tmp_path / "store", lock_wait_s=0.1)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()


def test_the_lock_of_a_killed_process_is_no_lock(tmp_path: Path) -> None:
    child = _hold(tmp_path / "store")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    store = RocksStore(tmp_path / "store", lock_wait_s=0.1)
    # Without a write-ahead log the write may be lost, but never half of it.
    assert (store.get(b"k"), store.position().changelog_offset) in [(b"v", 5), (None, 0)]
    store.close()


def _hold(path: Path) -> subprocess.Popen[str]:
    program = (
        "import sys, time; from pathlib import Path;"
        "from flowlog.streams.state.rocks import RocksStore;"
        "from flowlog.streams.state.store import StorePosition;"
        "s = RocksStore(Path(sys.argv[1])); s.write([(b'k', b'v')], StorePosition(5));"
        "print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "held"
    child.stdout.close()
    return child
