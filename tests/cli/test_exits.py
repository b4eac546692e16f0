"""Errors as people and scripts meet them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from flowlog.cli.exits import ExitCode, error_lines, exit_code, first_cause, report
from flowlog.errors import ConfigError, FlowlogError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), ExitCode.USAGE),
        (FlowlogError("x", code="CANNOT_CONNECT"), ExitCode.CANNOT_CONNECT),
        (FlowlogError("x", code="AUTH_FAILED"), ExitCode.AUTH),
        (FlowlogError("x", code="TIMED_OUT"), ExitCode.TIMED_OUT),
        (FlowlogError("x", code="UNHEALTHY"), ExitCode.UNHEALTHY),
        (FlowlogError("x", code="TOPIC_NOT_FOUND"), ExitCode.FAILED),
        (RuntimeError("x"), ExitCode.FAILED),
    ],
)
def test_the_kind_of_error_decides_the_exit_code(error: Exception, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_the_exit_codes_are_frozen() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "CANNOT_CONNECT": 3,
        "AUTH": 4,
        "TIMED_OUT": 5,
        "UNHEALTHY": 6,
        "INTERRUPTED": 130,
        "BROKEN_PIPE": 141,
    }


def test_an_error_is_three_lines_whatever_its_text() -> None:
    error = FlowlogError("no\ntopic", code="TOPIC_NOT_FOUND", hint="a\n b", try_command="flowlog x")
    assert error_lines(error) == [
        "error[TOPIC_NOT_FOUND]: no topic",
        "hint: a b",
        "try: flowlog x",
    ]


def test_an_error_without_hint_is_one_line() -> None:
    assert error_lines(FlowlogError("x")) == ["error[ERROR]: x"]


def test_a_file_that_cannot_be_opened_is_named() -> None:
    assert error_lines(FileNotFoundError(2, "No such file or directory", "in.txt")) == [
        "error[OS_ERROR]: in.txt: No such file or directory"
    ]


@pytest.mark.parametrize(("with_traceback", "seen"), [(False, False), (True, True)])
def test_a_traceback_is_shown_only_when_asked_for(with_traceback: bool, seen: bool) -> None:
    stream = io.StringIO()
    try:
        raise RuntimeError("oops")
    except RuntimeError as error:
        report(error, with_traceback=with_traceback, stream=stream)
    assert ("Traceback" in stream.getvalue()) is seen
    assert "error[INTERNAL]: RuntimeError: oops" in stream.getvalue()


def test_a_usage_error_says_what_to_try(run: Callable[..., tuple[int, str, str]]) -> None:
    assert run("topics", "lsit") == (
        2,
        "",
        "error[USAGE]: no command 'lsit' (did you mean 'list'?)\ntry: flowlog topics --help\n",
    )
    code, _out, err = run("consume")
    assert code == 2
    assert err == "error[USAGE]: Missing argument 'TOPIC...'\ntry: flowlog consume --help\n"


def test_nobody_listening_is_said_at_once(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("topics", "list", "-b", "127.0.0.1:1")
    assert (code, out) == (3, "")
    assert err.splitlines()[0] == (
        "error[CANNOT_CONNECT]: cannot connect to 127.0.0.1:1 (connection refused)"
    )
    assert err.splitlines()[2] == "try: flowlog dev"


def test_what_a_task_group_wrapped_is_reported_itself() -> None:
    wanted = FlowlogError("x")
    group = ExceptionGroup("a", [OSError(1, "other"), ExceptionGroup("b", [wanted])])
    assert first_cause(group) is wanted
    assert isinstance(first_cause(ExceptionGroup("a", [OSError(1, "other")])), OSError)
