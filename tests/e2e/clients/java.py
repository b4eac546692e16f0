"""The Java client, in a JVM behind `java/Driver.java`; its jars come from Maven Central."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.e2e.clients.bridge import Bridge
from tests.e2e.clients.cache import made, require, run
from tests.e2e.clients.driver import DriverClient

SOURCES = Path(__file__).parent.parent / "java"
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx256m")

_FETCH_TIMEOUT_S = 300
_COMPILE_TIMEOUT_S = 120


def java_class_path() -> str:
    """The compiled programs of `SOURCES` and the jars they need, as `java -cp` takes it.

    Raises:
        UnavailableError: there is no JDK or Maven, or the jars cannot be fetched.
    """
    require("java", "javac", "mvn")
    jars = made("java-jars", [SOURCES / "pom.xml"], _fetch_jars)
    sources = [*SOURCES.glob("*.java"), SOURCES / "pom.xml"]
    classes = made("java-classes", sources, lambda folder: _compile(jars, folder))
    return os.pathsep.join([str(classes), f"{jars}/*"])


def _fetch_jars(folder: Path) -> None:
    shutil.copy(SOURCES / "pom.xml", folder)
    command = ["mvn", "-B", "-q", "dependency:copy-dependencies"]
    run(
        [*command, "-DoutputDirectory=.", "-DincludeScope=runtime"],
        folder,
        timeout_s=_FETCH_TIMEOUT_S,
    )


def _compile(jars: Path, folder: Path) -> None:
    sources = sorted(str(path) for path in SOURCES.glob("*.java"))
    command = ["javac", "-nowarn", "-d", ".", "-cp", f"{jars}/*", *sources]
    run(command, folder, timeout_s=_COMPILE_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a console tool ended, and what it printed."""

    exit_code: int
    out: str
    err: str

    def rows(self) -> list[list[str]]:
        """The words of each line that is not empty, as a table is read."""
        return [line.split() for line in self.out.splitlines() if line.strip()]


class JavaClient(DriverClient):
    """Behaviours over `KafkaProducer`, `KafkaConsumer` and `Admin`."""

    name: ClassVar[str] = "java"
    lacks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, bootstrap: str) -> None:
        command = ["java", *JVM, "-cp", java_class_path(), "Driver", bootstrap]
        super().__init__(Bridge(command, os.environ))

    @staticmethod
    def tool_alone(main: str, *arguments: str, timeout_s: float) -> ToolResult:
        """Run a console tool in a JVM of its own, for those that finish their work at its end."""
        command = ["java", *JVM, "-cp", java_class_path(), main, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        return ToolResult(done.returncode, done.stdout, done.stderr)

    def tool(self, main: str, *arguments: str, stdin: str = "") -> ToolResult:
        """Run one of Kafka's console tools, named by its class, in this client's JVM."""
        code, out, err = self._bridge.call(
            "tool", main=main, arguments=list(arguments), stdin=stdin
        )
        return ToolResult(code, out, err)
