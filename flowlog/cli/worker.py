"""`flowlog worker`: an app's worker in this process, or several in processes of their own."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import click

from flowlog.errors import ConfigError

from . import lifeline, options
from .apps import load_app, parse_target
from .children import Child, Events, stop_signals
from .commands import ProcessCommand
from .exits import ExitCode
from .supervisor import Supervisor

DEFAULT_HTTP: Final = "127.0.0.1:6066"


class WorkerCommand(ProcessCommand):
    """Connects, but prints no table."""

    connects = True


@click.command("worker", cls=WorkerCommand)
@click.argument("app")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many; they share the partitions.",
)
@click.option("--state-dir", metavar="DIR", help="Where the tables are kept between runs.")
@click.option(
    "--http",
    metavar="HOST:PORT",
    help=f"Where to answer queries (default {DEFAULT_HTTP}, with several processes counting up).",
)
def command(app: str, processes: int, state_dir: str | None, http: str | None) -> int:
    """Run APP (module:attr or file.py[:attr]) until SIGTERM or Ctrl-C."""
    lifeline.hold()
    address = parse_http(http or DEFAULT_HTTP)
    if processes > 1:
        return _run_many(app, processes, state_dir, address)
    return _run_one(app, state_dir, address)


def parse_http(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`; port 0 takes a free one.

    Raises:
        ConfigError: it is something else.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--http {text!r} is not HOST:PORT", hint=f"as in {DEFAULT_HTTP}")
    return host or "127.0.0.1", int(port)


def _run_one(app: str, state_dir: str | None, address: tuple[str, int]) -> int:
    chosen = options.current()
    settings = chosen.cluster().settings
    loaded = load_app(app)
    from flowlog.streams.runtime.worker import Worker

    worker = Worker(
        loaded,
        bootstrap=settings.bootstrap,
        state_dir=None if state_dir is None else Path(state_dir),
        http=f"{address[0]}:{address[1]}",
        client_config=dict(settings.properties),
    )
    with _stop_event() as stop:
        worker.run(stop)
    return ExitCode.OK


@contextmanager
def _stop_event() -> Iterator[threading.Event]:
    """An event that SIGTERM or Ctrl-C sets; the second one ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_many(app: str, processes: int, state_dir: str | None, address: tuple[str, int]) -> int:
    parse_target(app)  # a file that is not there should fail once, not in every process
    events: Events = SimpleQueue()

    def start(number: int) -> Child:
        return Child(f"worker-{number}", child_arguments(app, number, state_dir, address), events)

    with stop_signals(events):
        return Supervisor(start, processes, events, say=_say).run()


def child_arguments(
    app: str, number: int, state_dir: str | None, address: tuple[str, int]
) -> list[str]:
    """The command line of one of several workers: a state folder and a query port of its own."""
    host, port = address
    chosen = options.current()
    arguments = ["worker", app, "--http", f"{host}:{port + number if port else 0}"]
    arguments += ["--state-dir", str(Path(state_dir or "flowlog-state") / f"worker-{number}")]
    arguments += _common_arguments(chosen)
    return arguments


def _common_arguments(chosen: options.Options) -> list[str]:
    arguments = ["-v"] * chosen.verbosity
    single: Mapping[str, Any] = {
        "-b": chosen.bootstrap,
        "--timeout": chosen.timeout_s,
        "--log-level": chosen.log_level,
    }
    for flag, value in single.items():
        if value:
            arguments += [flag, str(value)]
    for text in chosen.properties:
        arguments += ["-X", text]
    return arguments


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
