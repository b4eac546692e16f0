"""`CopierProcess`: a worker that can be killed, or frozen and thawed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path


class CopierProcess:
    """Starts at once; `kill` and `start` again and again. What it says goes to a file."""

    def __init__(self, bootstrap: str, name: str, log: Path, *, is_plain: bool) -> None:
        self._command = [sys.executable, "-m", "tests.e2e.exactly_once.copier", bootstrap, name]
        self._command += ["--plain"] if is_plain else []
        self.log = log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL: nothing is committed, aborted or handed over."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop it where it is: to others it looks dead, and does not know it."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)
