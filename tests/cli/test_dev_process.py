"""`flowlog dev` as a person uses it: started, saved to, stopped, killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="stops by signals"),
]

WAIT_S = 40.0
APP = """
import flowlog as fl

app = fl.App("greeter")
names = app.topic("names", value=str)
greetings = app.topic("greetings", value=str)


@app.stream(names, to=greetings)
def greet(name: str) -> str:
    return f"{word} {{name}}"
"""


class Dev:
    """A running `flowlog dev`: its lines as they come, its end."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.seen: list[str] = []
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowlog", "dev", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
        )
        assert self.process.stdout is not None
        self._reader = Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))

    def wait_line(self, pattern: str) -> re.Match[str]:
        """The next line that matches."""
        deadline = time.monotonic() + WAIT_S
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left_s)
            except Empty:
                break
            self.seen.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line like {pattern!r} in:\n" + "\n".join(self.seen))

    def wait_started(self) -> tuple[str, Path]:
        """The broker's address and the data folder, from the box."""
        bootstrap = self.wait_line(r"  kafka +(\S+)")[1]
        data = Path(self.wait_line(r"  data +(\S+)")[1])
        self.wait_line(r"  stop ")
        return bootstrap, data

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Callable[..., Dev]]:
    """Start `flowlog dev` in an empty folder; whatever is left is killed at the end."""
    started: list[Dev] = []

    def start(*arguments: str) -> Dev:
        started.append(Dev(*arguments, cwd=tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def accepts(bootstrap: str) -> bool:
    host, _, port = bootstrap.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_everything_and_leaves_nothing(
    dev: Callable[..., Dev], number: signal.Signals
) -> None:
    running = dev()
    bootstrap, data = running.wait_started()
    assert accepts(bootstrap)
    assert data.is_dir()
    assert running.end(number) == 0
    assert not accepts(bootstrap)
    assert not data.exists()


def test_a_killed_dev_leaves_no_broker_and_no_data_behind(dev: Callable[..., Dev]) -> None:
    running = dev()
    bootstrap, data = running.wait_started()
    running.end(signal.SIGKILL)
    wait_until(lambda: not accepts(bootstrap), "the broker ended")
    wait_until(lambda: not data.exists(), "the data were deleted")


def test_a_second_ctrl_c_does_not_wait_for_a_broker_that_hangs(dev: Callable[..., Dev]) -> None:
    running = dev()
    _bootstrap, data = running.wait_started()
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("finds the broker's process id in /proc")
    [broker] = map(int, children.read_text().split())
    os.kill(broker, signal.SIGSTOP)
    running.process.send_signal(signal.SIGINT)
    running.wait_line("^stopping$")
    assert running.end(signal.SIGINT) == 130
    assert not Path(f"/proc/{broker}").exists()
    assert not data.exists()


def test_a_folder_to_keep_is_kept(
    dev: Callable[..., Dev], run: Callable[..., tuple[int, str, str]]
) -> None:
    first = dev("--data", "kept")
    bootstrap, data = first.wait_started()
    assert run("-b", bootstrap, "topics", "create", "orders")[0] == 0
    assert run("-b", bootstrap, "produce", "orders", stdin="a\n")[0] == 0
    assert first.end(signal.SIGINT) == 0
    assert data.is_dir()
    second = dev("--data", "kept")
    bootstrap, _data = second.wait_started()
    assert run("-b", bootstrap, "consume", "orders", "-e")[1] == "a\n"


def test_a_port_in_use_is_said_with_a_way_out(run: Callable[..., tuple[int, str, str]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = run("dev", "--port", str(port))
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"error[ADDRESS_IN_USE]: 127.0.0.1:{port} is in use by another program",
        "hint: stop it, or choose another port",
        f"try: flowlog dev --port {port + 1}",
    ]


def test_saving_the_app_restarts_it_and_an_error_in_it_waits_for_the_next_save(
    dev: Callable[..., Dev], run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    app = tmp_path / "hello.py"
    app.write_text(APP.format(word="hello"))
    running = dev("hello.py")
    bootstrap, _data = running.wait_started()

    def greeting(name: str) -> str:
        """The next greeting that comes out."""
        assert run("-b", bootstrap, "produce", "names", stdin=f"{name}\n")[0] == 0
        arguments = ("greetings", "--from", "start", "--grep", name, "-n", "1")
        code, out, err = run("-b", bootstrap, "consume", *arguments)
        assert code == 0, err
        return out

    wait_until(lambda: "greetings" in run("-b", bootstrap, "topics", "list")[1], "topics are made")
    assert greeting("ada") == "hello ada\n"
    app.write_text("def broken(:\n")
    running.wait_line(r"^hello.py changed, restarting the app$")
    running.wait_line(r"^error\[APP_FAILED\]: hello.py:1: SyntaxError: ")
    running.wait_line(r"it starts again when a file is saved$")
    app.write_text(APP.format(word="goodbye"))
    running.wait_line(r"^hello.py changed, restarting the app$")
    assert greeting("bob") == "goodbye bob\n"
    assert running.end(signal.SIGINT) == 0
