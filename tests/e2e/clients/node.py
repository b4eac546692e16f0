"""Node.js for the tests: the packages are installed once, into a cache outside the repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.e2e.clients.cache import made, require, run

PROGRAMS = Path(__file__).parent.parent / "kafkajs"

_INSTALL_TIMEOUT_S = 300
_MANIFESTS = ("package.json", "package-lock.json")


def node_environment() -> dict[str, str]:
    """The environment in which `node PROGRAMS/x.js` finds kafkajs; installs it when it is new.

    Raises:
        UnavailableError: there is no Node.js, or the packages cannot be installed.
    """
    require("node", "npm")
    folder = made("kafkajs", [PROGRAMS / "package-lock.json"], _install)
    return {**os.environ, "NODE_PATH": str(folder / "node_modules")}


def _install(folder: Path) -> None:
    for name in _MANIFESTS:
        shutil.copy(PROGRAMS / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    run(command, folder, timeout_s=_INSTALL_TIMEOUT_S)
