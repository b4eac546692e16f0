"""One framework's program while it runs: what it says, and what it uses."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.servers import cpu_seconds, peak_resident_mb

_ROOT = Path(__file__).parent.parent.parent
_STOP_S = 20.0


class ProgramFailedError(Exception):
    """It ended by itself with an error; carries the end of what it wrote to standard error."""


class Program:
    """Runs a command; `with` ends it.

    A program reports in lines of a word and numbers: `first SECONDS` (since 1970),
    `restored SECONDS` (that it took).
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._reports: dict[str, list[float]] = {}
        self._cpu_at_first_s: float | None = None
        self.cpu_s = 0.0
        self.cpu_since_first_s = 0.0
        self.peak_mb: float | None = None

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def report(self, word: str) -> list[float] | None:
        """The numbers of the newest line that began with `word`; None before there was one."""
        return self._reports.get(word)

    def has_ended(self) -> bool:
        """Whether it came to its end, with success; notes what it has used until now.

        Raises:
            ProgramFailedError: it ended with another code than 0.
        """
        code = self._process.poll()
        if code is None:
            self._sample()
            return False
        if code == 0:
            return True
        raise self.failure(f"ended with code {code}")

    def failure(self, text: str) -> ProgramFailedError:
        """An error that shows what the program wrote last."""
        self._errors.seek(0)
        return ProgramFailedError(f"{text}\n{self._errors.read()[-3000:]}")

    def wait_first(self, deadline_s: float) -> float:
        """Return when the first event came, in seconds since 1970."""
        deadline = time.monotonic() + deadline_s
        while (first := self.report("first")) is None:
            if self.has_ended() or time.monotonic() > deadline:
                raise self.failure("it never said that it had begun")
            time.sleep(0.01)
        return first[0]

    def _sample(self) -> None:
        peak_mb = peak_resident_mb(self._process.pid)
        if peak_mb is not None:  # None as well when it ended just now.
            self.peak_mb = peak_mb
            self.cpu_s = cpu_seconds(self._process.pid)
            self.cpu_since_first_s = self.cpu_s - (self._cpu_at_first_s or 0.0)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, *numbers = line.split() or [""]
            if word in ("first", "restored"):
                if word == "first":
                    self._cpu_at_first_s = cpu_seconds(self._process.pid)
                self._reports[word] = [float(number) for number in numbers]
