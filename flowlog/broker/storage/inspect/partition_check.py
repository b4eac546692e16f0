"""One partition's folder: every file in it, each alone and against the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flowlog.broker.storage.directory_names import parse_directory_name
from flowlog.broker.storage.files import DirEntry
from flowlog.broker.storage.inspect.findings import Circumstances, Finding
from flowlog.broker.storage.inspect.reading import ReadableFiles, read_whole
from flowlog.broker.storage.inspect.segment_check import SegmentCheck
from flowlog.broker.storage.inspect.small_files import (
    check_aborted,
    check_epochs,
    check_partition_metadata,
    check_snapshot,
)
from flowlog.broker.storage.segment_names import (
    EPOCH_CHECKPOINT,
    LEFTOVER_SUFFIXES,
    LOG,
    PARTITION_METADATA,
    PRODUCER_SNAPSHOT,
    SEGMENT_SUFFIXES,
    SWAP,
    TRANSACTION_INDEX,
    file_name,
    parse,
)

PARTITION_SUFFIXES: Final = (*SEGMENT_SUFFIXES, PRODUCER_SNAPSHOT)


class PartitionCheck:
    """Checks one folder; used once. `log_end_offset` is known when `findings` is exhausted."""

    def __init__(self, files: ReadableFiles, directory: str, circumstances: Circumstances) -> None:
        self._files = files
        self._directory = directory
        self._known = circumstances
        self._epochs: list[tuple[int, int]] | None = None
        self.log_end_offset: int | None = None

    def findings(self) -> Iterator[Finding]:
        """Raises OSError when the folder itself cannot be listed."""
        names = {entry.name: entry for entry in self._files.list_dir(self._directory)}
        bases = _bases(names)
        self._known.tally.partition_count += 1
        yield from self._check_names(names, set(bases))
        yield from self._check_metadata(names)
        yield from self._read_epochs(names, bases)
        yield from self._check_segments(bases)
        for name in sorted(names):
            yield from self._check_small(name)
        yield from self._check_end(bases)

    def segment_findings(self, base_offset: int) -> Iterator[Finding]:
        """Of one segment alone, and of what comes before it no more than where it must begin."""
        names = {entry.name: entry for entry in self._files.list_dir(self._directory)}
        bases = _bases(names)
        for _ in self._read_epochs(names, bases):
            pass  # These are about the checkpoint.
        segments = SegmentCheck(self._files, self._directory, self._known, epochs=self._epochs)
        is_growing = self._known.is_in_use and bases[-1:] == [base_offset]
        yield from segments.check(base_offset, is_growing=is_growing)
        following = next((base for base in bases if base > base_offset), None)
        what = "" if following is None else segments.offsets.start_segment(following)
        if what:
            path = f"{self._directory}/{file_name(base_offset, LOG)}"
            yield Finding(path, None, f"the next one does not follow on it: {what}")

    def small_findings(self, name: str) -> Iterator[Finding]:
        """Of one snapshot or transaction index alone."""
        yield from self._check_small(name)

    def _check_names(self, names: dict[str, DirEntry], bases: set[int]) -> Iterator[Finding]:
        for name, entry in sorted(names.items()):
            path = f"{self._directory}/{name}"
            parsed = parse(name)
            if entry.is_directory:
                yield Finding(path, None, "a folder in a partition's folder")
            elif name.endswith((*LEFTOVER_SUFFIXES, SWAP)):
                if not self._known.is_in_use:
                    yield Finding(path, None, "left half way by a process that was stopped")
            elif parsed is not None and parsed[1] in SEGMENT_SUFFIXES:
                if parsed[0] not in bases and not self._known.is_in_use:
                    yield Finding(path, None, "belongs to no segment")
            elif name not in (EPOCH_CHECKPOINT, PARTITION_METADATA) and (
                parsed is None or parsed[1] not in PARTITION_SUFFIXES
            ):
                yield Finding(path, None, "is no file of a partition")

    def _check_metadata(self, names: dict[str, DirEntry]) -> Iterator[Finding]:
        path = f"{self._directory}/{PARTITION_METADATA}"
        if PARTITION_METADATA not in names:
            yield Finding(path, None, "is missing")
            return
        try:
            metadata, findings = check_partition_metadata(path, read_whole(self._files, path))
        except OSError as error:
            yield _unreadable(path, error)
            return
        yield from findings
        key = parse_directory_name(self._directory.rpartition("/")[2])
        if metadata is None or key is None:
            return
        if (metadata.topic_id, metadata.partition) != key:
            yield Finding(path, None, f"is about partition {metadata.partition} of another topic")
        elif self._known.topic not in (None, metadata.topic):
            what = f"says topic {metadata.topic}, the metadata log says {self._known.topic}"
            yield Finding(path, None, what)

    def _read_epochs(self, names: dict[str, DirEntry], bases: list[int]) -> Iterator[Finding]:
        path = f"{self._directory}/{EPOCH_CHECKPOINT}"
        if EPOCH_CHECKPOINT not in names:
            has_records = any(names[file_name(base, LOG)].size_bytes for base in bases)
            if has_records and not self._known.is_in_use:
                yield Finding(path, None, "is missing")
            return
        try:
            self._epochs, findings = check_epochs(path, read_whole(self._files, path))
        except OSError as error:
            yield _unreadable(path, error)
            return
        yield from findings

    def _check_segments(self, bases: list[int]) -> Iterator[Finding]:
        yield from self._check_start(bases)
        segments = SegmentCheck(self._files, self._directory, self._known, epochs=self._epochs)
        for base_offset in bases:
            is_growing = self._known.is_in_use and base_offset == bases[-1]
            yield from segments.check(base_offset, is_growing=is_growing)
        self.log_end_offset = segments.offsets.next_offset
        if self.log_end_offset is not None and not segments.has_unknown:
            for what in segments.epochs.finish(self.log_end_offset):
                yield Finding(f"{self._directory}/{EPOCH_CHECKPOINT}", None, what)

    def _check_start(self, bases: list[int]) -> Iterator[Finding]:
        start = self._known.log_start_offset
        if bases and start is not None and bases[0] > start:
            path = f"{self._directory}/{file_name(bases[0], LOG)}"
            yield Finding(path, None, f"offsets {start} to {bases[0] - 1} are missing before it")

    def _check_small(self, name: str) -> Iterator[Finding]:
        """A snapshot or transaction index; the other files had their turn."""
        parsed = parse(name)
        if parsed is None or parsed[1] not in (PRODUCER_SNAPSHOT, TRANSACTION_INDEX):
            return
        path = f"{self._directory}/{name}"
        try:
            data = read_whole(self._files, path)
        except OSError as error:
            if not (self._known.is_in_use and isinstance(error, FileNotFoundError)):
                yield _unreadable(path, error)
            return
        if parsed[1] == TRANSACTION_INDEX:
            yield from check_aborted(path, data, base_offset=parsed[0])
            return
        end = self.log_end_offset
        if end is not None and parsed[0] > end and not self._known.is_in_use:
            yield Finding(path, None, f"lies behind the log's end, {end}")
        yield from check_snapshot(path, data, end_offset=parsed[0])

    def _check_end(self, bases: list[int]) -> Iterator[Finding]:
        end = self.log_end_offset
        if end is None:
            if self._known.recovery_point:
                what = f"no segments, and records up to {self._known.recovery_point} were flushed"
                yield Finding(self._directory, None, what)
            return
        if self._known.recovery_point is not None and end < self._known.recovery_point:
            path = f"{self._directory}/{file_name(bases[-1], LOG)}"
            what = f"the log ends at {end}, flushed was up to {self._known.recovery_point}"
            yield Finding(path, None, what)


def _bases(names: Iterable[str]) -> list[int]:
    """The base offsets of the segments, ascending."""
    return sorted(p[0] for name in names if (p := parse(name)) is not None and p[1] == LOG)


def _unreadable(path: str, error: OSError) -> Finding:
    return Finding(path, None, f"cannot be read: {error.strerror or error}")
