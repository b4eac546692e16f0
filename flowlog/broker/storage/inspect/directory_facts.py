"""What a data directory's own files say of its partitions, read leniently."""

from __future__ import annotations

import binascii
import uuid
from dataclasses import dataclass, field

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    decode_checkpoint,
    decode_topic_id,
    encode_checkpoint,
    encode_topic_id,
)
from flowlog.broker.storage.inspect.findings import Finding
from flowlog.broker.storage.inspect.reading import ReadableFiles, read_whole
from flowlog.broker.storage.inspect.small_files import check_spelling

Offsets = dict[df.LogKey, int]
CHECKPOINTS = df.CHECKPOINTS


@dataclass(slots=True)
class DirectoryFacts:
    """Checkpoints that can be read; those that cannot are left out, with a finding."""

    is_at_rest: bool
    """Stopped cleanly and not started since: all files are in step."""
    offsets: dict[str, Offsets] = field(default_factory=dict)
    """By checkpoint file."""
    findings: list[Finding] = field(default_factory=list)

    def offset(self, name: str, key: df.LogKey) -> int | None:
        """What a checkpoint says of a partition; None if it is unreadable or says nothing."""
        return self.offsets.get(name, {}).get(key)

    def log_start_offset(self, key: df.LogKey) -> int | None:
        """Known at rest alone; a partition that the checkpoint does not name starts at 0."""
        if not self.is_at_rest or df.LOG_STARTS not in self.offsets:
            return None
        return self.offsets[df.LOG_STARTS].get(key, 0)


def is_data_directory(files: ReadableFiles, path: str) -> bool:
    return files.exists(f"{path}/{df.META_PROPERTIES}")


def read_facts(files: ReadableFiles, directory: str) -> DirectoryFacts:
    """Read marker and checkpoints. The marker goes first: a broker that starts takes it away."""
    facts = DirectoryFacts(files.exists(f"{directory}/{df.CLEAN_MARKER}"))
    for name in CHECKPOINTS:
        path = f"{directory}/{name}"
        try:
            data = read_whole(files, path)
            facts.offsets[name] = _decode(data)
        except FileNotFoundError:
            if facts.is_at_rest:
                facts.findings.append(Finding(path, None, "is missing"))
        except OSError as error:
            what = f"cannot be read: {error.strerror or error}"
            facts.findings.append(Finding(path, None, what))
        except CorruptCheckpointError as error:
            facts.findings.append(Finding(path, None, str(error)))
        else:
            rows = decode_checkpoint(data, fields=3)
            expected = encode_checkpoint((t, int(p), int(o)) for t, p, o in rows)
            facts.findings += check_spelling(path, data, expected)
    return facts


def _decode(data: bytes) -> Offsets:
    """Raises CorruptCheckpointError, also for what cannot be a topic id, partition or offset."""
    offsets: Offsets = {}
    for text, partition, offset in decode_checkpoint(data, fields=3):
        try:
            key = _topic_id(text), int(partition)
            value = int(offset)
        except ValueError:
            row = f"{text} {partition} {offset}"
            raise CorruptCheckpointError(f"no topic id, partition and offset: {row!r}") from None
        if key in offsets or key[1] < 0 or value < 0:
            raise CorruptCheckpointError(f"partition {partition} of {text} twice, or negative")
        offsets[key] = value
    return offsets


def _topic_id(text: str) -> uuid.UUID:
    """Raises ValueError, also for bits that the spelling leaves over."""
    try:
        topic_id = decode_topic_id(text)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if encode_topic_id(topic_id) != text:
        raise ValueError(f"{text!r} is no topic id")
    return topic_id
