"""Check whatever a path is: a data directory, a partition's folder, or one file in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flowlog.broker.storage.directory_names import parse_directory_name
from flowlog.broker.storage.inspect.directory_check import DirectoryCheck, circumstances_of
from flowlog.broker.storage.inspect.directory_facts import (
    DirectoryFacts,
    is_data_directory,
    read_facts,
)
from flowlog.broker.storage.inspect.findings import Circumstances, Finding, Topics
from flowlog.broker.storage.inspect.partition_check import PartitionCheck
from flowlog.broker.storage.inspect.reading import ReadableFiles
from flowlog.broker.storage.segment_names import parse


def data_directory_of(files: ReadableFiles, path: str) -> str | None:
    """The data directory that a path is or lies in; None for a copy that was taken out of one."""
    for _ in range(3):
        if is_data_directory(files, path):
            return path
        path = path.rpartition("/")[0]
    return None


def verify_path(
    files: ReadableFiles,
    path: str,
    *,
    is_directory: bool,
    topics: Topics | None = None,
    common: Circumstances | None = None,
) -> Iterator[Finding]:
    """Findings at an absolute path; of one file, what its partition's other files say of it too.

    `topics` is what the metadata log of the data directory says, if there is one.
    Raises OSError when the place cannot be listed.
    """
    if is_directory and is_data_directory(files, path):
        yield from DirectoryCheck(files, path, topics=topics, common=common).findings()
        return
    folder = path if is_directory else path.rpartition("/")[0]
    if not is_directory and is_data_directory(files, folder):
        check = DirectoryCheck(files, folder, topics=topics, common=common)
        yield from _about(path, check.findings())
        return
    partition = PartitionCheck(
        files, folder, _circumstances(files, folder, topics, common or Circumstances())
    )
    if is_directory:
        yield from partition.findings()
    else:
        yield from _about(path, _findings_of_file(partition, path.rpartition("/")[2]))


def _findings_of_file(partition: PartitionCheck, name: str) -> Iterator[Finding]:
    """Findings of the least that has to be read to judge one file, others of its folder too."""
    match parse(name):
        case base_offset, ".log" | ".index" | ".timeindex":
            return partition.segment_findings(base_offset)
        case _, ".snapshot" | ".txnindex":
            return partition.small_findings(name)
        case _:
            return partition.findings()


def _about(path: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.path == path)


def _circumstances(
    files: ReadableFiles, folder: str, topics: Topics | None, common: Circumstances
) -> Circumstances:
    parent, _, name = folder.rpartition("/")
    key = parse_directory_name(name)
    if not is_data_directory(files, parent):
        return common
    facts: DirectoryFacts = read_facts(files, parent)
    if key is None:
        return replace(common, is_in_use=not facts.is_at_rest)
    return circumstances_of(facts, key, topics, common)
