"""A broker in a process of its own, for tests that kill it or must not share its event loop."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flowlog.errors import FlowlogError

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
KEPT_LINES: Final = 200

_READY = re.compile(r"^ready\b.*?\bon (\S+?:\d+)")


class BrokerProcess:
    """Runs `flowlog broker` on loopback: start, stop, kill, start again on the same data.

    The port is chosen free at the first start and kept, so that clients find the broker again.
    """

    def __init__(
        self,
        data_dir: Path,
        properties: Mapping[str, str] | None = None,
        *,
        module: str = "flowlog",
    ) -> None:
        """`module`: what to run in place of `python -m flowlog`, with the same arguments."""
        self.data_dir = data_dir
        self.properties = dict(properties or {})
        self._module = module
        self.port = 0
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._process: subprocess.Popen[str] | None = None
        self._serves = False
        self._dying = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """The address to give to any Kafka client, as `host:port`."""
        assert self.port, "start it first"
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "start it first"
        return self._process.pid

    def start(self) -> None:
        """Start the broker and return when it serves.

        Raises:
            FlowlogError: it ended, or did not say `ready` in time; with its last lines.
        """
        assert self._process is None, "it runs already"
        command = [sys.executable, "-m", self._module, "broker"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--data-dir", str(self.data_dir)]
        for name, text in self.properties.items():
            command += ["-X", f"{name}={text}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        ready = threading.Event()
        self._serves = False
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stderr, ready), daemon=True
        )
        self._reader.start()
        ready.wait(START_SECONDS)
        if not self._serves:
            self.kill()
            raise FlowlogError("the broker did not start:\n" + "\n".join(self.lines))

    def stop(self) -> int:
        """End the broker with SIGTERM; return its exit code."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise FlowlogError("the broker did not stop:\n" + "\n".join(self.lines)) from None
        self._forget()
        return code

    def kill(self) -> None:
        """End the broker with SIGKILL, as a crash would; from any thread, also while it starts."""
        with self._dying:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        self._reader.join()
        self._process.stderr.close()
        self._process = None

    def _read(self, stderr: Iterable[str], ready: threading.Event) -> None:
        """Keep the newest lines; learn the port from the line that says `ready`."""
        for line in stderr:
            self.lines.append(line.rstrip("\n"))
            found = _READY.match(line)
            if found:
                self.port = int(found[1].rpartition(":")[2])
                self._serves = True
                ready.set()
        ready.set()
