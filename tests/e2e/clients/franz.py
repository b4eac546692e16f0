"""franz-go: the protocol in Go, in a process made from `franz/*.go`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar

from tests.e2e.clients.bridge import Bridge
from tests.e2e.clients.cache import made, require, run
from tests.e2e.clients.driver import DriverClient
from tests.e2e.clients.model import NEW_GROUPS, TRANSACTIONAL_OFFSETS

SOURCES = Path(__file__).parent.parent / "franz"

_BUILD_TIMEOUT_S = 600


def franz_driver() -> Path:
    """The driver program; compiles it when its sources are new.

    Raises:
        UnavailableError: there is no Go, or its modules cannot be fetched.
    """
    require("go")
    return made("franz-go", [*SOURCES.glob("*.go"), *SOURCES.glob("go.*")], _build) / "driver"


def _build(folder: Path) -> None:
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    command = ["go", "build", "-buildvcs=false", "-o", "driver", "."]
    run(command, folder, timeout_s=_BUILD_TIMEOUT_S)


class FranzGoClient(DriverClient):
    """Behaviours over `kgo` and `kadm`."""

    name: ClassVar[str] = "franz-go"
    lacks: ClassVar[frozenset[str]] = frozenset({NEW_GROUPS, TRANSACTIONAL_OFFSETS})

    def __init__(self, bootstrap: str) -> None:
        super().__init__(Bridge([str(franz_driver()), bootstrap], os.environ))
