"""`flowlog dev`: a broker and an app in one process tree, the app restarted when it is saved."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click

import flowlog
from flowlog.errors import FlowlogError

from . import options
from .apps import AppTarget, parse_target
from .children import ChildExited, ChildLine, Event, FilesChanged, StopAsked, stop_signals
from .commands import ProcessCommand
from .dev_session import DevSession, wait_event
from .exits import ExitCode
from .watching import Watcher


@click.command("dev", cls=ProcessCommand)
@click.argument("app", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9092,
    show_default=True,
    help="Of the broker; 0 takes a free one.",
)
@click.option(
    "--data", "data_dir", metavar="DIR", help="Keep the data here; a temporary folder if not given."
)
@click.option(
    "--brokers", type=click.IntRange(min=1), default=1, show_default=True, help="How many brokers."
)
@click.option(
    "-X",
    "--property",
    "properties",
    multiple=True,
    metavar="KEY=VALUE",
    help="A broker setting in Kafka's spelling.",
)
@click.option("--no-reload", is_flag=True, help="Do not restart the app when its files change.")
def command(
    app: str | None,
    port: int,
    data_dir: str | None,
    brokers: int,
    properties: tuple[str, ...],
    no_reload: bool,
) -> int:
    """Run a broker, and a worker for APP (module:attr or file.py), until Ctrl-C.

    Ctrl-C stops everything in order; pressed twice, at once.
    """
    from flowlog.client.settings import parse_property

    if brokers != 1:
        raise FlowlogError(
            "several brokers are not supported yet",
            code="NOT_SUPPORTED",
            hint="leave out --brokers",
        )
    target = None if app is None else parse_target(app)
    session = DevSession(
        port=port,
        data_dir=None if data_dir is None else Path(data_dir),
        settings=dict(parse_property(text) for text in properties),
    )
    with stop_signals(session.events):
        return _run(session, app, target, reload=not no_reload)


def _run(session: DevSession, app: str | None, target: AppTarget | None, *, reload: bool) -> int:
    with ExitStack() as stack:
        try:
            stack.enter_context(session)
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        source = target.source() if target is not None and reload else None
        if app is not None:
            session.start_worker(app)
        _say(start_box(session, app=app, watched=source))
        if source is not None:
            stack.enter_context(Watcher(source, session.events))
        try:
            exit_code = DevLoop(session, app, reloads=source is not None).run()
        finally:
            _second_stop_kills(session)
        _say("stopping")
    return exit_code


class DevLoop:
    """Reacts to events until it is time to stop."""

    def __init__(self, session: DevSession, app: str | None, *, reloads: bool) -> None:
        self._session = session
        self._app = app
        self._reloads = reloads

    def run(self) -> int:
        """Serve; return the exit code."""
        while True:
            event = wait_event(self._session.events, 0.5)
            exit_code = None if event is None else self._handle(event)
            if exit_code is not None:
                return exit_code

    def _handle(self, event: Event) -> int | None:
        """React to one event; an exit code ends the loop."""
        match event:
            case StopAsked():
                return ExitCode.OK
            case ChildLine(text=text):
                print(f"broker: {text}", file=sys.stderr, flush=True)
            case FilesChanged(paths=paths):
                self._reload(paths)
            case ChildExited(name="broker", exit_code=code):
                raise FlowlogError(f"the broker ended with {code}", code="BROKER_FAILED")
            case ChildExited(child=child, exit_code=code) if child is self._session.worker:
                return self._worker_ended(code)
        return None

    def _reload(self, paths: tuple[str, ...]) -> None:
        names = ", ".join(sorted({os.path.basename(path) for path in paths}))
        _say(f"{names} changed, restarting the app")
        self._session.stop_worker()
        assert self._app is not None, "nothing is watched without an app"
        self._session.start_worker(self._app)

    def _worker_ended(self, code: int) -> int | None:
        self._session.worker = None
        if not self._reloads:
            _say(f"the app ended with {code}")
            return ExitCode.FAILED if code else ExitCode.OK
        _say(f"the app ended with {code}; it starts again when a file is saved")
        return None


def start_box(session: DevSession, *, app: str | None, watched: Path | None) -> str:
    """What runs where, and three commands to try."""
    kept = "temporary, deleted at the end" if session.is_temporary else "kept"
    rows = [("kafka", session.bootstrap), ("data", f"{session.data_dir} ({kept})")]
    if app is not None:
        folder = watched if watched is None or watched.is_dir() else watched.parent
        rows.append(("app", app))
        rows.append(("queries", f"http://{session.http}/v1/tables"))
        rows.append(("reload", f"on, watching {folder}" if folder is not None else "off"))
    else:
        rows.append(("app", "none; flowlog dev APP runs one beside the broker"))
    suffix = "" if session.bootstrap == "127.0.0.1:9092" else f" -b {session.bootstrap}"
    tries = [f"flowlog topics list{suffix}", f"echo hello | flowlog produce TOPIC{suffix}"]
    tries.append(
        f"flowlog state stores{_http_suffix(session)}"
        if app is not None
        else f"flowlog consume TOPIC --from start{suffix}"
    )
    rows += [("try" if number == 0 else "", text) for number, text in enumerate(tries)]
    rows.append(("stop", "Ctrl-C; twice, at once"))
    lines = [f"flowlog {flowlog.__version__} dev", ""]
    lines += [f"  {label:<8} {text}" for label, text in rows]
    return "\n".join([*lines, ""])


def _http_suffix(session: DevSession) -> str:
    return "" if session.http == "127.0.0.1:6066" else f" --http {session.http}"


def _second_stop_kills(session: DevSession) -> None:
    """While stopping in order, Ctrl-C means now: the default handlers raise in the main thread."""

    def kill(_number: int, _frame: object) -> None:
        session.kill()
        os._exit(ExitCode.INTERRUPTED)

    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), kill)


def _say(text: str) -> None:
    if not options.current().quiet:
        print(text, flush=True)
