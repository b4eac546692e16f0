"""`app.run()`: a worker in this process until somebody asks it to stop."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from flowlog.client.settings import DEFAULT_BOOTSTRAP

from .worker import Worker

if TYPE_CHECKING:
    from flowlog.streams.app import App


def run_until_signal(
    app: App, *, bootstrap: str | None, state_dir: str | None, http: str | None
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
