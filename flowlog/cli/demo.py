"""`flowlog demo`: a month of real flights, counted live in the terminal."""

from __future__ import annotations

import _thread
import signal
import tempfile
import threading
from typing import IO

import click

from flowlog.errors import FlowlogError

from . import options
from .children import ChildExited
from .commands import ProcessCommand
from .dev_session import DevSession, wait_event
from .exits import ExitCode

APP = "flowlog.demo.flights:app"


@click.command("demo", cls=ProcessCommand)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after this time; else at the end of the data or Ctrl-C.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="How many times faster than the flights left.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Of the broker; a free one if not given.",
)
def command(seconds: float | None, speed: float | None, port: int) -> int:
    """Watch a month of real flights being counted by a Python function.

    Starts a broker and a worker with temporary data, replays departures from New York and shows
    the answers while they come. Ctrl-C ends it.
    """
    from flowlog.demo import view

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryFile() as log,
        DevSession(port=port, data_dir=None, output=log) as session,
        _Guard(session) as guard,
    ):
        session.start_worker(APP)
        options.current().note(
            f"broker on {session.bootstrap}, queries on http://{session.http}/v1/tables"
        )
        try:
            return int(view.run(session.bootstrap, session.http, seconds=seconds, speed=speed))
        except KeyboardInterrupt:
            if guard.ended is None:
                return ExitCode.OK
            raise _child_failed(guard.ended, log) from None


class _Guard:
    """While inside, a child that ends interrupts the main thread, which is busy drawing."""

    def __init__(self, session: DevSession) -> None:
        self.ended: ChildExited | None = None
        self._session = session
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="guard", daemon=True)

    def __enter__(self) -> _Guard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._leaving.is_set():
            event = wait_event(self._session.events, 0.1)
            if isinstance(event, ChildExited) and not self._leaving.is_set():
                self.ended = event
                _thread.interrupt_main()
                return


def _child_failed(event: ChildExited, log: IO[bytes]) -> FlowlogError:
    """The error to raise, with what the child said last as the hint."""
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    said = next((line for line in lines if line.startswith("error[")), lines[-1] if lines else "")
    return FlowlogError(
        f"the {event.name} ended with {event.exit_code}", code="DEMO_FAILED", hint=said
    )
