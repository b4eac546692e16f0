"""How the broker's process keeps memory: large buffers, and objects that are no garbage.

Each fetch and each large produce takes buffers of a megabyte or so for a moment. glibc by default
maps and unmaps such a buffer each time, and the kernel clears its pages anew: a third of the
broker's processor time when it serves large batches. Kept on the heap, they are used again.

Requests that wait leave objects behind that Python's collector of cycles looks through, again and
again, with everything that lives as long as the broker: a tenth of the processor time with many
producers that wait for the disk, and pauses that grow with the number of partitions.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
MMAP_THRESHOLD_BYTES: Final = 32 * 1024 * 1024  # the largest that glibc takes
TRIM_THRESHOLD_BYTES: Final = 64 * 1024 * 1024
GC_THRESHOLDS: Final = (50_000, 20, 100)


def collect_garbage_rarely() -> None:
    """To be called once the broker serves: what is there now stays, and cycles are rare."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def keep_large_buffers() -> None:
    """Have glibc keep up to 64 MiB of freed memory for the next buffers; elsewhere do nothing."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
