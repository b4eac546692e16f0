"""How the broker's process keeps the memory of large buffers.

Each fetch and each large produce takes buffers of a megabyte or so for a moment. glibc by default
maps and unmaps such a buffer each time, and the kernel clears its pages anew: a third of the
broker's processor time when it serves large batches. Kept on the heap, they are used again.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
MMAP_THRESHOLD_BYTES: Final = 32 * 1024 * 1024  # the largest that glibc takes
TRIM_THRESHOLD_BYTES: Final = 64 * 1024 * 1024


def keep_large_buffers() -> None:
    """Have glibc keep up to 64 MiB of freed memory for the next buffers; elsewhere do nothing."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
