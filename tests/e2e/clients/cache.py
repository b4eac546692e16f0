"""Where the drivers of other languages keep what they install or compile: outside the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


class UnavailableError(Exception):
    """A toolchain or its packages cannot be had here; the message says which and why."""


def require(*tools: str) -> None:
    """Refuse where a tool is not on the PATH.

    Raises:
        UnavailableError: names the first that is missing.
    """
    for tool in tools:
        if shutil.which(tool) is None:
            raise UnavailableError(f"there is no {tool} on the PATH")


def made(name: str, sources: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled for these sources, now or in an earlier run.

    It is made beside its place and renamed, so that a half-made one is never taken for whole.

    Raises:
        UnavailableError: what `make` raises.
    """
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    folder = _root() / name / digest.hexdigest()[:16]
    if folder.exists():
        return folder
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    try:
        make(fresh)
        if not folder.exists():
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def run(command: Sequence[str], folder: Path, *, timeout_s: float) -> None:
    """Run an installer or a compiler.

    Raises:
        UnavailableError: it failed, with its last line, or took too long.
    """
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=timeout_s)
    except subprocess.CalledProcessError as error:
        said = (error.stderr + error.stdout).decode(errors="replace").strip().splitlines()
        raise UnavailableError(f"{command[0]} failed: {said[:3]}") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{command[0]} did not end within {timeout_s:.0f} s") from error


def _root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flowlog-tests"
