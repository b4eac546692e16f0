"""How a child process notices that the command that started it is gone, even after a kill -9.

The parent keeps the write end of a pipe that is the child's standard input and never writes to
it. When the parent ends, however it ends, the system closes the pipe and the child reads its end.
That works the same on every system, and needs no process ids that may be reused.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HOLD: Final = "FLOWLOG_LIFELINE"
REMOVE: Final = "FLOWLOG_LIFELINE_REMOVE"
GRACE_S: Final = 10.0

_lost = threading.Event()


def environment(*, remove: Path | None = None) -> dict[str, str]:
    """What the parent sets for a child; `remove` is the folder that an orphan deletes."""
    settings = {HOLD: "1"}
    if remove is not None:
        settings[REMOVE] = str(remove)
    return settings


def hold(environ: Mapping[str, str] = os.environ) -> None:
    """In the child: end by SIGTERM when the parent is gone, and after `GRACE_S` regardless.

    Does nothing in a process that was not started with `environment`.
    """
    if environ.get(HOLD) != "1":
        return
    # Until the command installs its own handler, SIGTERM must still end it in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    atexit.register(_let_go, environ)
    threading.Thread(target=_watch, args=(environ,), name="lifeline", daemon=True).start()


def _let_go(environ: Mapping[str, str]) -> None:
    """At the child's end: an orphan deletes the folder that it was told to."""
    if _lost.is_set():
        _remove(environ)


def _watch(environ: Mapping[str, str]) -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    _lost.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    _remove(environ)
    os._exit(1)


def _remove(environ: Mapping[str, str]) -> None:
    """Delete the folder; a sibling may still write its last files, so try again for a while."""
    folder = environ.get(REMOVE)
    if not folder:
        return
    deadline = time.monotonic() + GRACE_S
    while os.path.exists(folder) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(folder):
            time.sleep(0.1)
