"""A broker that cannot start says why, as one error for people."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flowlog.broker.main import run_broker
from flowlog.errors import ConfigError, FlowlogError


def test_an_address_in_use_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FlowlogError, match=f"127.0.0.1:{port} is in use") as caught:
            run_broker({"listeners": f"PLAINTEXT://127.0.0.1:{port}", "log.dirs": str(tmp_path)})
    assert caught.value.code == "ADDRESS_IN_USE"


def test_a_data_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(FlowlogError, match="file") as caught:
        run_broker({"listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": str(blocked / "data")})
    assert caught.value.code == "STORAGE"


def test_an_unknown_setting_stops_the_start() -> None:
    with pytest.raises(ConfigError, match=r"num\.partition"):
        run_broker({"num.partition": "3"})
