"""A broker and a worker as children of this process: what `dev` and `demo` have in common."""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Final, Self

from flowlog.errors import FlowlogError

from .children import Child, ChildExited, ChildLine, Event, Events, StopAsked

READY_SECONDS: Final = 30.0
QUERY_PORT: Final = 6066
_ADDRESS: Final = re.compile(r"(\[[0-9a-f:]+\]|[\w.-]+):(\d+)")

# One machine, one copy, one impatient person: no waiting for a second member, topics on demand.
DEV_SETTINGS: Final[Mapping[str, str]] = {
    "auto.create.topics.enable": "true",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "8",
}


class DevSession:
    """A context manager: while inside, a broker runs; `start_worker` runs an app on it.

    Leaving stops the worker, then the broker, then deletes the folder if it is temporary. If this
    process is killed, the children stop by themselves and the broker deletes the folder.
    """

    def __init__(
        self,
        *,
        port: int,
        data_dir: Path | None,
        settings: Mapping[str, str] | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        """Nothing starts yet.

        Args:
            port: of the broker on loopback; 0 takes a free one.
            data_dir: a folder to keep; a temporary one if None.
            settings: broker settings over `DEV_SETTINGS`.
            output: where the worker's output goes; this process's own unless given.
        """
        self.events: Events = SimpleQueue()
        self.is_temporary = data_dir is None
        self.bootstrap = ""
        self.http = ""
        self.worker: Child | None = None
        self._port = port
        self._settings = {**DEV_SETTINGS, **(settings or {})}
        self._output = output
        self._chosen_dir = data_dir
        self._broker: Child | None = None

    def __enter__(self) -> Self:
        if self._chosen_dir is None:
            self.data_dir = Path(tempfile.mkdtemp(prefix="flowlog-dev-"))
        else:
            self.data_dir = self._chosen_dir.absolute()
            self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            self._start_broker()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_worker(self, app: str) -> None:
        """Run the app's worker; its state lies in the data folder, its queries on `http`."""
        self.http = self.http or f"127.0.0.1:{free_port(QUERY_PORT)}"
        state_dir = str(self.data_dir / "state")
        addresses = ["-b", self.bootstrap, "--http", self.http]
        self.worker = Child(
            "worker",
            ["worker", app, *addresses, "--state-dir", state_dir],
            self.events,
            output=self._output,
        )

    def stop_worker(self) -> None:
        """Stop the worker if it runs."""
        if self.worker is not None:
            self.worker.stop()
            self.worker = None

    def close(self) -> None:
        """Stop everything in order; a second Ctrl-C meanwhile kills what is left."""
        try:
            self.stop_worker()
            if self._broker is not None:
                self._broker.stop()
        finally:
            self.kill()

    def kill(self) -> None:
        """End everything now and delete the temporary folder."""
        for child in (self.worker, self._broker):
            if child is not None:
                child.kill()
        if self.is_temporary:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def _start_broker(self) -> None:
        arguments = ["broker", "--log-level", "warning"]
        arguments += ["--listen", f"127.0.0.1:{self._port}"]
        arguments += ["--data-dir", str(self.data_dir / "broker")]
        for key, value in self._settings.items():
            arguments += ["-X", f"{key}={value}"]
        self._broker = Child(
            "broker",
            arguments,
            self.events,
            read_errors=True,
            remove_when_orphaned=self.data_dir if self.is_temporary else None,
        )
        self.bootstrap = self._wait_ready()

    def _wait_ready(self) -> str:
        """The broker's address from its `ready` line.

        Raises:
            FlowlogError: it ended first, or did not get ready in time; with what it said.
            KeyboardInterrupt: somebody asked to stop.
        """
        said: list[str] = []
        deadline = time.monotonic() + READY_SECONDS
        while (left_s := deadline - time.monotonic()) > 0:
            event = wait_event(self.events, left_s)
            if isinstance(event, StopAsked):
                raise KeyboardInterrupt
            if isinstance(event, ChildExited):
                raise broker_failed(said, self._port)
            if isinstance(event, ChildLine):
                said.append(event.text)
                if event.text.startswith("ready"):
                    return address_in(event.text) or f"127.0.0.1:{self._port}"
        raise FlowlogError(
            "the broker is not ready", code="TIMED_OUT", hint=said[-1] if said else ""
        )


def wait_event(events: Events, timeout_s: float | None = None) -> Event | None:
    """The next event, or None after the time limit."""
    with suppress(Empty):
        return events.get(timeout=timeout_s)
    return None


def address_in(text: str) -> str | None:
    """The first HOST:PORT in a line."""
    match = _ADDRESS.search(text)
    return match[0] if match else None


def broker_failed(said: list[str], port: int) -> FlowlogError:
    """Why the broker ended, from its own error lines."""
    found: dict[str, str] = {}
    for line in said:
        match = re.fullmatch(r"(error\[(?P<code>\w+)\]|hint|try): (?P<text>.*)", line)
        if match:
            found[match[1].partition("[")[0]] = match["text"]
            found.setdefault("code", match["code"] or "")
    code = found.get("code") or "BROKER_FAILED"
    if code == "ADDRESS_IN_USE":
        return FlowlogError(
            found["error"],
            code=code,
            hint="stop it, or choose another port",
            try_command=f"flowlog dev --port {port + 1}",
        )
    return FlowlogError(
        found.get("error") or (said[-1] if said else "the broker ended before it was ready"),
        code=code,
        hint=found.get("hint", ""),
        try_command=found.get("try", ""),
    )


def free_port(preferred: int) -> int:
    """The preferred port on loopback if nobody has it, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise FlowlogError("no free port on 127.0.0.1", code="ADDRESS_IN_USE")
