"""Running commands in this process, and a broker to run them against.

`FLOWLOG_TEST_BOOTSTRAP=host:port` names another broker, an Apache Kafka for instance.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from flowlog.cli.main import main

_EXTERNAL = os.environ.get("FLOWLOG_TEST_BOOTSTRAP")


@dataclass(frozen=True, slots=True)
class ExternalBroker:
    """A broker that somebody else started."""

    bootstrap: str


if _EXTERNAL:

    @pytest.fixture(scope="session")
    def flowlog_broker() -> ExternalBroker:
        """The broker named in the environment, in place of the plugin's own process."""
        return ExternalBroker(_EXTERNAL or "")


@pytest.fixture(autouse=True)
def _as_if_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings from the environment; logging put back as it was."""
    for name in list(os.environ):
        if name.startswith("FLOWLOG_") or name == "NO_COLOR":
            monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run `flowlog ARGUMENTS` on some standard input; return exit code, output and errors."""

    def run(*arguments: str, stdin: str | bytes = b"") -> tuple[int, str, str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return int(code), out, err

    return run


@pytest.fixture
def ask(
    run: Callable[..., tuple[int, str, str]], flowlog_broker: ExternalBroker
) -> Callable[..., str]:
    """Run a command against the broker; it must succeed; return its output."""

    def ask(*arguments: str, stdin: str | bytes = b"") -> str:
        code, out, err = run("-b", flowlog_broker.bootstrap, *arguments, stdin=stdin)
        assert code == 0, f"{' '.join(arguments)} ended with {code}: {err}"
        return out

    return ask
