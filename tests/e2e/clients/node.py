"""Node.js for the tests: the packages are installed once, into a cache outside the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).parent.parent / "kafkajs"

_INSTALL_TIMEOUT_S = 300


class NodeUnavailableError(Exception):
    """Node.js or its packages cannot be had here; the message says which and why."""


def node_environment() -> dict[str, str]:
    """The environment in which `node PROGRAMS/x.js` finds kafkajs; installs it when it is new.

    Raises:
        NodeUnavailableError: there is no Node.js, or the packages cannot be installed.
    """
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise NodeUnavailableError(f"there is no {tool} on the PATH")
    return {**os.environ, "NODE_PATH": str(_installed() / "node_modules")}


def _installed() -> Path:
    lock = (PROGRAMS / "package-lock.json").read_bytes()
    folder = _cache() / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        _install_into(folder)
    return folder


def _install_into(folder: Path) -> None:
    """Install beside `folder` and rename, so that a half-made one is never taken for whole."""
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROGRAMS / name, fresh)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        subprocess.run(
            command, cwd=fresh, check=True, capture_output=True, timeout=_INSTALL_TIMEOUT_S
        )
        fresh.rename(folder)
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NodeUnavailableError(f"npm could not install kafkajs: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise NodeUnavailableError("npm did not answer; is the registry reachable?") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flowlog-tests" / "kafkajs"
