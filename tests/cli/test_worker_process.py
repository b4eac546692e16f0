"""`flowlog worker` and `flowlog demo` as processes against a real broker."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="stops by signals"),
]

WAIT_S = 60.0
Run = Callable[..., tuple[int, str, str]]
Ask = Callable[..., str]


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


@pytest.fixture
def name() -> str:
    """The app's name, which its topic bears too."""
    return f"counter-{uuid4().hex[:8]}"


@pytest.fixture
def app(tmp_path: Path, name: str) -> Path:
    """An app that counts the words of a topic."""
    file = tmp_path / "counter.py"
    file.write_text(
        f"""
import flowlog as fl

app = fl.App({name!r})
words = app.topic({name!r}, value=str)


@app.stream(words)
def lower(word: str) -> str:
    return word.lower()


counts = lower.group_by(lambda word: word, name="by-word").count(name="counts")
"""
    )
    return file


@pytest.fixture
def worker(flowlog_broker: Broker, app: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `flowlog worker` on the app; whatever is left is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "flowlog", "worker", str(app), "-b", flowlog_broker.bootstrap, *arguments],
            cwd=app.parent,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def free_ports() -> int:
    """A port that is free, and so is the next."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait_count(run: Run, http: str, word: str, count: int) -> None:
    """Until the app says that it counted the word so often."""
    deadline = time.monotonic() + WAIT_S
    while True:
        code, out, err = run("state", "get", "counts", word, "--http", http)
        if code == 0 and json.loads(out)["value"] == count:
            return
        assert time.monotonic() < deadline, f"still: {out}{err}"
        time.sleep(0.1)


def test_a_worker_answers_stops_and_goes_on_where_it_stood(
    run: Run, ask: Ask, worker: Callable[..., subprocess.Popen[str]], name: str
) -> None:
    ask("topics", "create", name, "-p", "2")
    http = f"127.0.0.1:{free_ports()}"
    for count in (1, 2):
        process = worker("--http", http, "--state-dir", "state")
        ask("produce", name, stdin="Apple\n")
        wait_count(run, http, "apple", count)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0


def test_several_processes_share_the_work_and_stop_together(
    run: Run, ask: Ask, worker: Callable[..., subprocess.Popen[str]], name: str
) -> None:
    ask("topics", "create", name, "-p", "4")
    port = free_ports()
    process = worker("--processes", "2", "--http", f"127.0.0.1:{port}", "--state-dir", "state")
    ask("produce", name, stdin="apple\npear\n" * 5)
    for http in (f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"):
        for word in ("apple", "pear"):  # whoever owns it, both answer
            wait_count(run, http, word, 5)
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT_S) == 0
    for number in (0, 1):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port + number), 1)


def test_an_app_that_cannot_be_loaded_is_not_tried_again(
    worker: Callable[..., subprocess.Popen[str]], app: Path
) -> None:
    app.write_text("x = 1\n")
    process = worker("--processes", "2")
    _out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert "error[APP_NOT_FOUND]: counter makes no app\n" in err
    assert "ended with 2; giving up\n" in err


def test_no_broker_is_said_at_once(run: Run, app: Path) -> None:
    code, _out, err = run("worker", str(app), "-b", "127.0.0.1:1", "--http", "127.0.0.1:0")
    assert code == 3
    assert err.startswith(
        "error[CANNOT_CONNECT]: cannot connect to 127.0.0.1:1 (connection refused)"
    )


def test_the_demo_shows_its_numbers_and_ends_in_time() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flowlog", "demo", "--for", "2"],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "matches the batch answer" in done.stdout
