"""`flowlog worker` in a process of its own, for tests that kill it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

STOP_S = 20.0


class WorkerProcess:
    """A worker of one app, with a state folder that outlives a kill."""

    def __init__(
        self, app: str, bootstrap: str, folder: Path, name: str, properties: Mapping[str, str]
    ) -> None:
        """`properties` are librdkafka's."""
        self._command = [sys.executable, "-m", "flowlog", "worker", app, "-b", bootstrap]
        self._command += [part for item in properties.items() for part in ("-X", "=".join(item))]
        self._folder = folder
        self._name = name
        self.http = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._process is None, "it runs already"
        self.http = f"127.0.0.1:{_free_port()}"
        options = ["--http", self.http, "--state-dir", str(self._folder / self._name)]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, committed or handed over."""
        process = self.running()
        process.kill()
        process.wait()
        self._process = None

    def lose_disk(self) -> None:
        """Delete its state while it is down."""
        assert self._process is None, "it runs"
        shutil.rmtree(self._folder / self._name)

    def stop(self) -> None:
        """SIGTERM, and a clean end."""
        process = self.running()
        process.terminate()
        assert process.wait(STOP_S) == 0, self.log()
        self._process = None

    def close(self) -> None:
        """End it whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def running(self) -> subprocess.Popen[bytes]:
        """The process; fails with its last words if it ended by itself."""
        assert self._process is not None, "start it first"
        assert self._process.poll() is None, f"{self._name} ended by itself:\n{self.log()}"
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended by us."""
        return self._process is not None

    def log(self) -> str:
        return self._log_path.read_text()[-4000:]

    def ask(self, path: str) -> Any:
        """What its HTTP server answers; None while it cannot say."""
        self.running()
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(f"http://{self.http}{path}", timeout=5) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                if error.code in (404, 503):
                    return None
                raise
        except (URLError, ConnectionError, TimeoutError):
            return None

    @property
    def _log_path(self) -> Path:
        return self._folder / f"{self._name}.log"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
