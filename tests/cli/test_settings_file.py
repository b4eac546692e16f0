"""A broker's settings from file, environment and command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowlog.cli.broker import refuse_open_listener
from flowlog.cli.settings_file import broker_properties, find_file, read_file
from flowlog.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "flowlog.toml"
    path.write_text(text)
    return path


def test_nested_tables_and_quoted_keys_mean_the_same(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [broker]
        "log.retention.ms" = 60000
        node.id = 3
        auto.create.topics.enable = false
        log.dirs = ["data"]
        [broker.socket]
        request.max.bytes = 1000000
        """,
    )
    assert read_file(path, {}) == {
        "log.retention.ms": "60000",
        "node.id": "3",
        "auto.create.topics.enable": "false",
        "log.dirs": "data",
        "socket.request.max.bytes": "1000000",
    }


def test_the_command_line_goes_before_the_environment_and_this_before_the_file(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "[broker]\nnode.id = 1\nnum.partitions = 1\nbroker.rack = 'file'\n")
    environ = {"FLOWLOG_BROKER__NODE_ID": "2", "FLOWLOG_BROKER__NUM_PARTITIONS": "2", "HOME": "x"}
    assert broker_properties([("node.id", "3")], file=path, environ=environ) == {
        "node.id": "3",
        "num.partitions": "2",
        "broker.rack": "file",
    }


def test_a_variable_in_a_string_is_filled_in(tmp_path: Path) -> None:
    path = write(tmp_path, "[broker]\nlog.dirs = '${BASE}/data'\n")
    assert read_file(path, {"BASE": "/srv"}) == {"log.dirs": "/srv/data"}
    with pytest.raises(ConfigError, match="BASE is not set"):
        read_file(path, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[broker\n", "flowlog.toml", id="not TOML"),
        pytest.param("[brokr]\n", "unknown section 'brokr'", id="unknown section"),
        pytest.param("broker = 3\n", "broker must be a table", id="no table"),
        pytest.param("[broker]\nx = 1979-05-27\n", "x: ", id="a date"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("[", r"\[")):
        read_file(write(tmp_path, text), {})


def test_the_file_in_the_current_folder_is_read_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_file(None) is None
    write(tmp_path, "")
    assert find_file(None) == Path("flowlog.toml")
    with pytest.raises(ConfigError, match="no file"):
        find_file("other.toml")


@pytest.mark.parametrize(
    "listener", ["PLAINTEXT://0.0.0.0:9092", "PLAINTEXT://:9092", "PLAINTEXT://10.0.0.1:9092",
                 "PLAINTEXT://[::]:9092", "PLAINTEXT://example.org:9092"],
)  # fmt: skip
def test_a_listener_that_others_reach_needs_insecure(listener: str) -> None:
    with pytest.raises(ConfigError, match="lets other machines in"):
        refuse_open_listener({"listeners": listener})


@pytest.mark.parametrize(
    "listener", ["PLAINTEXT://127.0.0.1:9092", "PLAINTEXT://localhost:0", "PLAINTEXT://[::1]:1", ""]
)
def test_loopback_needs_nothing(listener: str) -> None:
    refuse_open_listener({"listeners": listener})
