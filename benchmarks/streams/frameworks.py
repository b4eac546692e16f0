"""Each framework's Python: flowlog's own, the others in virtual environments in a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class Framework:
    """`share`: the part of the events it is given, so that a slow one ends within minutes."""

    name: str
    program: str
    packages: tuple[str, ...] = ()
    share: float = 1.0

    def command(self) -> list[str]:
        """What to run, before the program's arguments; installs the framework when it is new."""
        return [str(self._python()), str(_PROGRAMS / self.program)]

    def _python(self) -> Path:
        if not self.packages:
            return Path(sys.executable)
        folder = _cache() / "-".join(self.packages).replace("==", "-")
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not (folder / ".complete").exists():
            print(f"  installing {', '.join(self.packages)}", flush=True)
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", *self.packages], check=True
            )
            (folder / ".complete").touch()
        return python


FLOWLOG = Framework("flowlog", "flowlog_program.py")
QUIX = Framework("Quix Streams", "quix_program.py", ("quixstreams==3.28.1",))
FAUST = Framework(
    "Faust",
    "faust_program.py",
    ("faust-streaming==0.15.3", "faust-streaming-rocksdb==0.9.3"),
    share=0.05,
)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flowlog-benchmarks"
