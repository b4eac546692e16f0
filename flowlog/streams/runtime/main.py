"""`app.run()`: a worker in this process until somebody asks it to stop."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path

from flowlog.client.settings import DEFAULT_BOOTSTRAP

from .runnable import RunnableApp
from .worker import Worker


def run_until_signal(
    app: RunnableApp, *, bootstrap: str | None, state_dir: str | None, http: str | None
) -> None:
    """Run until SIGINT or SIGTERM, where signals can be caught; see `App.run`."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    Worker(
        app,
        bootstrap=bootstrap or os.environ.get("FLOWLOG_BOOTSTRAP") or DEFAULT_BOOTSTRAP,
        state_dir=None if state_dir is None else Path(state_dir),
        http=http,
    ).run(stop)
