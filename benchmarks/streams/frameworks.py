"""How to run each framework's program; what has to be installed goes into a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

_HERE = Path(__file__).parent

RESTORE: Final = "restore"
JOBS: Final = {
    "map": "map to a topic",
    "count": "count per key",
    "sum": "tumbling sum, on close",
    RESTORE: "restore of a store, keys",
}
DRAINS: Final = ("map", "count", "sum")


class MissingToolError(Exception):
    """A program that this machine would need is not installed."""


class Framework(Protocol):
    """One column of the table.

    share: the part of the events it is given, so that a slow one ends within minutes.
    jobs: those it has a program for, of `JOBS`.
    ends_itself: it has no consumer group: it reads to the end of the input and exits with 0.
    """

    @property
    def name(self) -> str: ...
    @property
    def share(self) -> float: ...
    @property
    def jobs(self) -> Collection[str]: ...
    @property
    def ends_itself(self) -> bool: ...

    def command(self) -> list[str]:
        """What to run, before the program's arguments; installs the framework when it is new.

        Raises:
            MissingToolError: what installs it is not here.
        """


@dataclass(frozen=True, slots=True)
class PythonFramework:
    """A file in `programs/` and the packages of its own virtual environment."""

    name: str
    program: str
    packages: tuple[str, ...] = ()
    share: float = 1.0
    jobs: Collection[str] = DRAINS
    ends_itself: bool = False

    def command(self) -> list[str]:
        return [str(self._python()), str(_HERE / "programs" / self.program)]

    def _python(self) -> Path:
        if not self.packages:
            return Path(sys.executable)
        folder = cache_folder() / "-".join(self.packages).replace("==", "-")
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not (folder / ".complete").exists():
            print(f"  installing {', '.join(self.packages)}", flush=True)
            venv.create(folder, with_pip=True, clear=True)
            _run([str(python), "-m", "pip", "install", "--quiet", *self.packages])
            (folder / ".complete").touch()
        return python


@dataclass(frozen=True, slots=True)
class JavaFramework:
    """A folder with a `pom.xml` that names jars and `*.java` files that are compiled with them."""

    name: str
    folder: str
    version: str
    share: float = 1.0
    jobs: Collection[str] = DRAINS
    ends_itself: bool = False

    def command(self) -> list[str]:
        built = cache_folder() / f"{self.folder}-{self.version}"
        jars, classes = built / "jars", built / "classes"
        if not (jars / ".complete").exists():
            print(f"  fetching the jars of {self.name} {self.version}", flush=True)
            self._fetch(built, jars)
        sources = sorted((_HERE / self.folder).glob("*.java"))
        _run(["javac", "-d", str(classes), "-cp", str(jars / "*"), *map(str, sources)])
        return ["java", "-cp", os.pathsep.join([str(classes), str(jars / "*")]), "Program"]

    def _fetch(self, built: Path, jars: Path) -> None:
        built.mkdir(parents=True, exist_ok=True)
        pom = built / "pom.xml"  # A copy: Maven writes beside it.
        pom.write_bytes((_HERE / self.folder / "pom.xml").read_bytes())
        command = ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy-dependencies"]
        _run([*command, f"-Dversion.streams={self.version}", f"-DoutputDirectory={jars}"])
        (jars / ".complete").touch()


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError as error:
        raise MissingToolError(f"{command[0]} is not installed") from error


def cache_folder() -> Path:
    """Where virtual environments and jars are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flowlog-benchmarks"


FRAMEWORKS: Final[dict[str, Framework]] = {
    "flowlog": PythonFramework("flowlog", "flowlog_program.py", jobs=(*DRAINS, RESTORE)),
    "quix": PythonFramework(
        "Quix Streams",
        "quix_program.py",
        ("quixstreams==3.28.1",),
        jobs=(*DRAINS, RESTORE),
    ),
    "faust": PythonFramework(
        "Faust",
        "faust_program.py",
        ("faust-streaming==0.15.3", "faust-streaming-rocksdb==0.9.3"),
        share=0.05,
    ),
    "bytewax": PythonFramework(
        "Bytewax",
        "bytewax_program.py",
        ("bytewax==0.21.1", "confluent-kafka==2.12.2", "orjson==3.11.4"),
        ends_itself=True,
    ),
    "kafka-streams": JavaFramework(
        "Kafka Streams", "kafka_streams", "4.3.0", jobs=(*DRAINS, RESTORE)
    ),
}
