"""Python's cyclic garbage collector, for a process that works in batches."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GC_THRESHOLDS: Final = (100_000, 50, 100)


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Batches make and drop many tuples, which is no garbage in cycles: look for it rarely."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
