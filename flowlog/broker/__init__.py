"""The broker: replicated logs and coordinators behind the Kafka protocol; see ARCHITECTURE.md."""

from __future__ import annotations

import sys


def _import_kio_alone() -> None:
    """Keep kio from importing hypothesis, for which it has strategies.

    Where hypothesis is installed and not loaded yet, loading it takes longer than a whole start.
    """
    if "hypothesis" in sys.modules:
        return
    sys.modules["hypothesis"] = None  # type: ignore[assignment]  # an import of it fails
    try:
        import kio.static._phantom  # noqa: F401
    except ImportError:  # kio has moved it: then the start is slow, no more
        pass
    finally:
        del sys.modules["hypothesis"]


_import_kio_alone()
