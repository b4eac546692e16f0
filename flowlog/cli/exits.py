"""Exit codes, and how an error is shown: `error[CODE]`, `hint`, `try`, a line each."""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum
from typing import Final, TextIO

from flowlog.errors import ConfigError, FlowlogError


class ExitCode(IntEnum):
    """What a script can tell from how a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANNOT_CONNECT = 3
    AUTH = 4
    TIMED_OUT = 5
    UNHEALTHY = 6
    INTERRUPTED = 130
    BROKEN_PIPE = 141


_BY_CODE: Final[dict[str, ExitCode]] = {
    "CONFIG": ExitCode.USAGE,
    "USAGE": ExitCode.USAGE,
    "APP_NOT_FOUND": ExitCode.USAGE,
    "CANNOT_CONNECT": ExitCode.CANNOT_CONNECT,
    "AUTH_FAILED": ExitCode.AUTH,
    "TIMED_OUT": ExitCode.TIMED_OUT,
    "UNHEALTHY": ExitCode.UNHEALTHY,
}


def exit_code(error: BaseException) -> ExitCode:
    """The exit code for an error that ends a command."""
    if isinstance(error, ConfigError):
        return ExitCode.USAGE
    if isinstance(error, FlowlogError):
        return _BY_CODE.get(error.code, ExitCode.FAILED)
    return ExitCode.FAILED


def first_cause(error: Exception) -> Exception:
    """What a task group wrapped: the first error raised on purpose in it, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    known, _rest = error.split(FlowlogError)
    return first_cause((known or error).exceptions[0])


def error_lines(error: BaseException) -> list[str]:
    """The error as at most three lines: what happened, why perhaps, what to try."""
    if isinstance(error, FlowlogError):
        return _lines(error.code, str(error), error.hint, error.try_command)
    if isinstance(error, OSError):
        return _lines("OS_ERROR", _os_reason(error), "", "")
    return _lines(
        "INTERNAL",
        f"{type(error).__name__}: {error}",
        "this is a mistake in flowlog; add -vv for the traceback",
        "",
    )


def report(
    error: BaseException, *, with_traceback: bool = False, stream: TextIO | None = None
) -> None:
    """Write the error to standard error."""
    stream = stream or sys.stderr
    if with_traceback:
        traceback.print_exception(error, file=stream)
    for line in error_lines(error):
        print(line, file=stream)


def close_standard_output() -> None:
    """After a broken pipe: let the interpreter's last flush go nowhere instead of complaining."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def _lines(code: str, message: str, hint: str, try_command: str) -> list[str]:
    lines = [f"error[{code}]: {_flat(message)}"]
    if hint:
        lines.append(f"hint: {_flat(hint)}")
    if try_command:
        lines.append(f"try: {try_command}")
    return lines


def _flat(text: str) -> str:
    return " ".join(text.split())


def _os_reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
