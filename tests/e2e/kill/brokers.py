"""What can be killed: flowlog's broker, or an Apache Kafka through a start script."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Protocol

from flowlog.errors import FlowlogError
from flowlog.testing.broker_process import BrokerProcess


class KillableBroker(Protocol):
    """A broker that can die and come back on the same address and data."""

    @property
    def bootstrap(self) -> str: ...

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def stop(self) -> object: ...


def flowlog_broker(data_dir: Path) -> KillableBroker:
    """flowlog's own, without a pause before the first rebalance, so that rounds are short."""
    return BrokerProcess(
        data_dir,
        {"group.initial.rebalance.delay.ms": "0", "offsets.topic.num.partitions": "8"},
    )


class ApacheKafka:
    """A Kafka whose script takes `start`, `kill N` and `wipe`, with its port in PORT.

    What the checker finds here is the test's fault: the same load, on a broker known to be good.
    """

    def __init__(self, script: Path, port: int) -> None:
        self._script = script
        self._port = port

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        self._run("start")

    def kill(self) -> None:
        self._run("kill", "1", check=False)

    def stop(self) -> None:
        self._run("wipe")

    def _run(self, *arguments: str, check: bool = True) -> None:
        environment = {**os.environ, "PORT": str(self._port)}
        command = [str(self._script), *arguments]
        done = subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)
        if check and done.returncode:
            raise FlowlogError(f"{' '.join(command)} ended with {done.returncode}")
