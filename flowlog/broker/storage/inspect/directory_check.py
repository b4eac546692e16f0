"""A whole data directory: its own files, each partition, and the two against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from uuid import UUID

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    decode_properties,
    decode_topic_id,
    encode_properties,
    encode_topic_id,
)
from flowlog.broker.storage.directory_names import is_deleted_name, parse_directory_name
from flowlog.broker.storage.files import TEMPORARY_SUFFIX, DirEntry
from flowlog.broker.storage.inspect.directory_facts import (
    CHECKPOINTS,
    DirectoryFacts,
    read_facts,
)
from flowlog.broker.storage.inspect.findings import Circumstances, Finding, TopicFacts, Topics
from flowlog.broker.storage.inspect.partition_check import PartitionCheck
from flowlog.broker.storage.inspect.reading import ReadableFiles, read_whole
from flowlog.broker.storage.inspect.small_files import check_spelling
from flowlog.broker.storage.log_dir import LOCK, METADATA_TOPIC_ID

KNOWN_FILES: Final = (*CHECKPOINTS, df.META_PROPERTIES, df.DIRECTORY_IDS, df.CLEAN_MARKER, LOCK)
METADATA_FACTS: Final = TopicFacts("__cluster_metadata")


def circumstances_of(
    facts: DirectoryFacts, key: df.LogKey, topics: Topics | None, common: Circumstances
) -> Circumstances:
    """What is known of one partition; `common` goes on where its directory says nothing."""
    default = METADATA_FACTS if key[0] == METADATA_TOPIC_ID else None
    topic = (topics or {}).get(key[0], default)
    return replace(
        common,
        is_in_use=not facts.is_at_rest,
        is_compacted=common.is_compacted or (topic is not None and topic.is_compacted),
        topic=None if topic is None else topic.name,
        log_start_offset=facts.log_start_offset(key),
        recovery_point=facts.offset(df.RECOVERY_POINTS, key),
    )


class DirectoryCheck:
    """Checks one data directory; used once."""

    def __init__(
        self,
        files: ReadableFiles,
        directory: str,
        *,
        topics: Topics | None = None,
        common: Circumstances | None = None,
    ) -> None:
        """`topics`: what the metadata log says, by topic id; None: it is not known."""
        self._files = files
        self._directory = directory
        self._topics = topics
        self._common = common or Circumstances()
        self._facts = read_facts(files, directory)
        self._ends: dict[df.LogKey, int] = {}

    def findings(self) -> Iterator[Finding]:
        """Raises OSError when the directory itself cannot be listed."""
        entries = sorted(self._files.list_dir(self._directory), key=lambda entry: entry.name)
        yield from self._facts.findings
        yield from self._check_identity()
        for entry in entries:
            yield from self._check_name(entry)
        for entry in entries:
            key = parse_directory_name(entry.name)
            if entry.is_directory and key is not None:
                yield from self._check_partition(entry.name, key)
        if self._facts.is_at_rest:
            yield from self._check_offsets()

    def _check_identity(self) -> Iterator[Finding]:
        path = f"{self._directory}/{df.META_PROPERTIES}"
        try:
            data = read_whole(self._files, path)
            properties = decode_properties(data)
        except OSError as error:
            yield Finding(path, None, f"cannot be read: {error.strerror or error}")
            return
        except CorruptCheckpointError as error:
            yield Finding(path, None, str(error))
            return
        if properties.get("version") != df.META_VERSION:
            yield Finding(path, None, f"version {properties.get('version')} is unknown")
        node_id = properties.get("node.id", "")
        if not (node_id.isascii() and node_id.isdecimal()):
            yield Finding(path, None, "names no node.id")
        for name in ("cluster.id", "directory.id"):
            if not _is_topic_id(properties.get(name, "")):
                yield Finding(path, None, f"{name} is no id")
        if not data.startswith(b"#"):  # Kafka puts the date first.
            yield from check_spelling(path, data, encode_properties(properties))

    def _check_name(self, entry: DirEntry) -> Iterator[Finding]:
        path = f"{self._directory}/{entry.name}"
        if entry.is_directory:
            key = parse_directory_name(entry.name)
            if key is None and not is_deleted_name(entry.name):
                yield Finding(path, None, "is no partition's folder")
            elif key is not None and self._is_nobodys(key[0]):
                yield Finding(path, None, "belongs to no topic that the metadata log knows")
        elif entry.name.endswith(TEMPORARY_SUFFIX):
            if self._facts.is_at_rest:
                yield Finding(path, None, "left half way by a process that was stopped")
        elif entry.name not in KNOWN_FILES:
            yield Finding(path, None, "is no file of a data directory")

    def _is_nobodys(self, topic_id: UUID) -> bool:
        if self._topics is None or not self._facts.is_at_rest:
            return False
        return topic_id != METADATA_TOPIC_ID and topic_id not in self._topics

    def _check_partition(self, name: str, key: df.LogKey) -> Iterator[Finding]:
        known = circumstances_of(self._facts, key, self._topics, self._common)
        check = PartitionCheck(self._files, f"{self._directory}/{name}", known)
        try:
            yield from check.findings()
        except FileNotFoundError as error:
            if not known.is_in_use:  # Else the topic was deleted since.
                yield Finding(f"{self._directory}/{name}", None, str(error.strerror))
        except OSError as error:
            yield Finding(f"{self._directory}/{name}", None, f"cannot be read: {error.strerror}")
        if check.log_end_offset is not None:
            self._ends[key] = check.log_end_offset

    def _check_offsets(self) -> Iterator[Finding]:
        """At rest every log has its row in each checkpoint, and each row fits its log."""
        for name, offsets in self._facts.offsets.items():
            path = f"{self._directory}/{name}"
            for key, end in self._ends.items():
                if key not in offsets and name not in (df.LOG_STARTS, df.CLEANED_TO):
                    yield Finding(path, None, f"has no row for {_say(key)}")
                elif (offset := offsets.get(key, 0)) > end:
                    yield Finding(path, None, f"{offset} for {_say(key)}, whose log ends at {end}")
                elif name == df.RECOVERY_POINTS and offset < end:
                    what = f"{offset} for {_say(key)}, whose log was flushed to its end, {end}"
                    yield Finding(path, None, what)
            for key, offset in offsets.items():
                if key not in self._ends and offset:
                    yield Finding(path, None, f"{offset} for {_say(key)}, which has no log here")


def _say(key: df.LogKey) -> str:
    return f"{key[0]}-{key[1]}"


def _is_topic_id(text: str) -> bool:
    try:
        return encode_topic_id(decode_topic_id(text)) == text
    except ValueError:
        return False
