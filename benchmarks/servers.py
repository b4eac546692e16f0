"""The brokers under measurement: started, watched through /proc, stopped."""

from __future__ import annotations

import compileall
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Protocol

import flowlog
from flowlog.testing.broker_process import BrokerProcess

_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


# As in KafkaServer's script: a group waits for nobody, and fewer partitions to load at a start.
_PROPERTIES = {"group.initial.rebalance.delay.ms": "0", "offsets.topic.num.partitions": "8"}


class Server(Protocol):
    """A broker that can be started twice: the second start finds data."""

    name: str

    @property
    def port(self) -> int: ...

    @property
    def pid(self) -> int: ...

    def start(self) -> float:
        """Start and return how many seconds passed until it answered."""

    def stop(self) -> None: ...

    def discard(self) -> None:
        """Stop and delete all data."""


class FlowlogServer:
    """`flowlog broker` in a process of its own, data in a temporary folder."""

    def __init__(self, name: str = "flowlog", *, module: str = "flowlog") -> None:
        """`module`: what to run in place of `python -m flowlog`."""
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix="flowlog-bench-")
        _compile_as_installers_do()
        self._broker = BrokerProcess(self.data_dir, _PROPERTIES, module=module)

    @property
    def data_dir(self) -> Path:
        return Path(self._folder.name)

    @property
    def port(self) -> int:
        return self._broker.port

    @property
    def pid(self) -> int:
        return self._broker.pid

    def start(self) -> float:
        before = time.perf_counter()
        self._broker.start()
        return time.perf_counter() - before

    def stop(self) -> None:
        self._broker.stop()

    def discard(self) -> None:
        self._broker.stop()
        self._folder.cleanup()


def _compile_as_installers_do() -> None:
    """A start from a working tree shall not be slower than an installed one."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(str(Path(flowlog.__file__).parent), quiet=1)


class KafkaServer:
    """An Apache Kafka behind a start script that knows `start`, `stop` and `wipe` by PORT."""

    name = "Apache Kafka"

    def __init__(self, script: Path, port: int, profile: str = "stock") -> None:
        self._script = script
        self.port = port
        self._environment = {**os.environ, "PORT": str(port), "PROFILE": profile}
        self.pid = 0

    def start(self) -> float:
        before = time.perf_counter()
        said = self._run("start")
        found = re.search(r"\(pid (\d+)", said)
        if found is None:
            raise RuntimeError(f"no process id in what the script said: {said!r}")
        self.pid = int(found[1])
        return time.perf_counter() - before

    def stop(self) -> None:
        self._run("stop")

    def discard(self) -> None:
        self._run("wipe")

    def _run(self, command: str) -> str:
        done = subprocess.run(
            [str(self._script), command],
            check=True,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout


def resident_mb(pid: int) -> float | None:
    """Resident memory of a process in MB (10^6 bytes); None where there is no /proc."""
    return _status_mb(pid, "VmRSS")


def peak_resident_mb(pid: int) -> float | None:
    """The most resident memory that a process ever had, in MB; None where there is no /proc."""
    return _status_mb(pid, "VmHWM")


def _status_mb(pid: int, field: str) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else None


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used, of all its threads; 0 without /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
