"""What `flowlog dev` decides and shows, without starting anything."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlog.cli.dev import start_box
from flowlog.cli.dev_session import DevSession, address_in, broker_failed, free_port
from flowlog.cli.watching import watch_folders

Run = Callable[..., tuple[int, str, str]]


def session(*, bootstrap: str, http: str = "", temporary: bool = True) -> DevSession:
    made = DevSession(port=0, data_dir=None if temporary else Path("data"))
    made.bootstrap, made.http, made.data_dir = bootstrap, http, Path("data")
    return made


def test_the_box_says_what_runs_where_and_what_to_try() -> None:
    text = start_box(
        session(bootstrap="127.0.0.1:9092", http="127.0.0.1:6066"),
        app="shop.py",
        watched=Path("folder/shop.py"),
    )
    assert text.splitlines()[1:] == [
        "",
        "  kafka    127.0.0.1:9092",
        "  data     data (temporary, deleted at the end)",
        "  app      shop.py",
        "  queries  http://127.0.0.1:6066/v1/tables",
        "  reload   on, watching folder",
        "  try      flowlog topics list",
        "           echo hello | flowlog produce TOPIC",
        "           flowlog state stores",
        "  stop     Ctrl-C; twice, at once",
    ]


def test_another_address_is_part_of_what_to_try() -> None:
    text = start_box(session(bootstrap="127.0.0.1:1234", temporary=False), app=None, watched=None)
    assert "  data     data (kept)" in text
    assert "flowlog consume TOPIC --from start -b 127.0.0.1:1234" in text
    assert "queries" not in text


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("ready: broker 1 on 127.0.0.1:9092, data in /srv/x:1", "127.0.0.1:9092"),
        ("ready [::1]:19092", "[::1]:19092"),
        ("ready", None),
    ],
)
def test_the_address_in_the_ready_line(line: str, address: str | None) -> None:
    assert address_in(line) == address


def test_a_broker_that_fails_hands_on_its_own_error() -> None:
    error = broker_failed(["noise", "error[CONFIG]: unknown setting 'x'", "hint: did you mean"], 1)
    assert (error.code, str(error), error.hint) == ("CONFIG", "unknown setting 'x'", "did you mean")


def test_a_port_in_use_suggests_another() -> None:
    said = ["error[ADDRESS_IN_USE]: 127.0.0.1:9092 is in use by another program"]
    error = broker_failed(said, 9092)
    assert error.code == "ADDRESS_IN_USE"
    assert error.try_command == "flowlog dev --port 9093"


def test_a_broker_that_dies_without_a_word_is_told_as_such() -> None:
    assert str(broker_failed([], 1)) == "the broker ended before it was ready"


def test_a_port_that_is_taken_is_replaced() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_packages_beside_the_file_are_watched_and_other_folders_are_not(tmp_path: Path) -> None:
    for name in ("shop.py", "pack/__init__.py", "pack/inner/__init__.py", "data/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert watch_folders(tmp_path / "shop.py") == [
        tmp_path,
        tmp_path / "pack",
        tmp_path / "pack/inner",
    ]


def test_several_brokers_are_refused_for_now(run: Run) -> None:
    code, _out, err = run("dev", "--brokers", "3")
    assert code == 1
    assert err.startswith("error[NOT_SUPPORTED]: several brokers are not supported yet\n")


def test_an_app_that_is_not_there_is_said_before_anything_starts(run: Run) -> None:
    code, out, err = run("dev", "absent.py")
    assert (code, out) == (2, "")
    assert err.startswith("error[APP_NOT_FOUND]: no file 'absent.py'\n")
