"""After a crash: carry out the swaps that were decided, forget those that were not.

A `.log.swap` is whole: it was synced before it got that name. Segments that it was made of may
still be there, all of them or some; they go, and with them the indexes of the one that it replaces.
One whose records are all gone from the new segment may be taken for its follower and stay: what it
holds is superseded, and the next cleaning finds that again.
Source: LogLoader.completeSwapOperations in apache/kafka.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress

from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.files import DirEntry
from flowlog.broker.storage.segment_names import (
    LOG,
    OFFSET_INDEX,
    SEGMENT_SUFFIXES,
    SWAP,
    TIME_INDEX,
    TRANSACTION_INDEX,
    file_name,
    parse,
)
from flowlog.broker.storage.walk import scan_batches

logger = logging.getLogger(__name__)


def complete_swaps(
    environment: StorageEnvironment, directory: str, entries: Iterable[DirEntry]
) -> bool:
    """Complete what is half done in a partition's directory; whether there was anything.

    Raises:
        OSError: the disk refused.
        CorruptBatchError: a new segment is damaged, and some of the old ones may be gone.
    """
    names = {entry.name: entry for entry in entries}
    swaps = sorted(
        (parsed[0], entry)
        for name, entry in names.items()
        if name.endswith(LOG + SWAP) and (parsed := parse(name.removesuffix(SWAP)))
    )
    for base_offset, entry in swaps:
        _complete(environment, directory, base_offset, entry, names)
    return bool(swaps)


def _complete(
    environment: StorageEnvironment,
    directory: str,
    base_offset: int,
    entry: DirEntry,
    names: Iterable[str],
) -> None:
    files = environment.files
    swap_path = f"{directory}/{entry.name}"
    next_offset = base_offset + 1
    swap = environment.pool.file(swap_path)
    try:
        for located in scan_batches(swap, entry.size_bytes):
            next_offset = located.header.next_offset
    finally:
        swap.close()
    logger.info("storage.compaction: completing %s", swap_path)
    for name in names:
        parsed = parse(name)
        if parsed is None or parsed[1] not in SEGMENT_SUFFIXES:
            continue
        is_index = parsed[1] in (OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX)
        if base_offset < parsed[0] < next_offset or (parsed[0] == base_offset and is_index):
            with suppress(FileNotFoundError):
                files.remove(f"{directory}/{name}")
    files.sync_dir(directory)
    files.rename(swap_path, f"{directory}/{file_name(base_offset, LOG)}")
    files.sync_dir(directory)
