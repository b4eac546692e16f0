"""What the records of a benchmark hold: random letters, or pieces of a file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import Final

from flowlog.errors import ConfigError

POOL_COUNT: Final = 1000
POOL_BYTES: Final = 32 * 1024 * 1024
_LETTERS: Final = bytes(ord("A") + i * 26 // 256 for i in range(256))


def random_payloads(size_bytes: int, *, seed: int = 0) -> Iterator[bytes]:
    """Endless letters A to Z in pieces of one size; the same in each run. They come from a pool:
    making each anew would be what is measured.
    """
    rng = random.Random(seed)
    pool_count = max(1, min(POOL_COUNT, POOL_BYTES // max(1, size_bytes)))
    return cycle([rng.randbytes(size_bytes).translate(_LETTERS) for _ in range(pool_count)])


def file_payloads(path: str, delimiter: str, *, seed: int = 0) -> Iterator[bytes]:
    """Endless pieces of a file in random order.

    Raises:
        ConfigError: nothing is between the delimiters.
        OSError: the file cannot be read.
    """
    if not delimiter:
        raise ConfigError("--payload-delimiter is empty")
    pieces = [piece for piece in Path(path).read_bytes().split(delimiter.encode()) if piece]
    if not pieces:
        raise ConfigError(f"{path} has no payloads", hint="one a line; see --payload-delimiter")
    random.Random(seed).shuffle(pieces)
    return cycle(pieces)


def numbered_payloads() -> Iterator[bytes]:
    """0, 1, 2 and so on as text."""
    return (b"%d" % number for number in count())
