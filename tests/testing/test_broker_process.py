"""The broker in a process that tests and users' fixtures start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flowlog.errors import FlowlogError
from flowlog.testing.broker_process import BrokerProcess


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = BrokerProcess(tmp_path, {"num.partitions": "none"})
    with pytest.raises(FlowlogError, match=r"num\.partitions"):
        broker.start()


def test_a_second_start_that_fails_is_noticed_and_a_third_may_work(tmp_path: Path) -> None:
    broker = BrokerProcess(tmp_path)
    broker.start()
    broker.kill()
    with (
        socket.create_server(("127.0.0.1", broker.port)),
        pytest.raises(FlowlogError, match="in use"),
    ):
        broker.start()
    broker.start()
    assert broker.stop() == 0
