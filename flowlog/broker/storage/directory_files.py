"""The files of a data directory that belong to no partition: identity, checkpoints, clean marker.

    meta.properties                      version, cluster.id, node.id, directory.id
    recovery-point-offset-checkpoint     topic id, partition, offset a line; likewise
    log-start-offset-checkpoint          ... where the log start lies inside a segment
    replication-offset-checkpoint        ... the high watermark
    cleaner-offset-checkpoint            ... up to where compaction has been
    log-directories                      in the first of several: the directory.id of each of them
    .kafka_cleanshutdown                 there after a clean stop, gone while serving; it names the
                                         logs that were damaged and could not be closed

The checkpoints have the topic's id in place of Kafka's name: after a topic was deleted and created
again an old line must not speak for the new log.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from typing import Final

from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    decode_checkpoint,
    decode_properties,
    decode_topic_id,
    encode_checkpoint,
    encode_properties,
    encode_topic_id,
)
from flowlog.broker.storage.files import Files, read_file, replace_file
from flowlog.errors import ConfigError

RECOVERY_POINTS: Final = "recovery-point-offset-checkpoint"
LOG_STARTS: Final = "log-start-offset-checkpoint"
HIGH_WATERMARKS: Final = "replication-offset-checkpoint"
CLEANED_TO: Final = "cleaner-offset-checkpoint"
CHECKPOINTS: Final = (RECOVERY_POINTS, LOG_STARTS, HIGH_WATERMARKS, CLEANED_TO)
META_PROPERTIES: Final = "meta.properties"
META_VERSION: Final = "1"
CLEAN_MARKER: Final = ".kafka_cleanshutdown"

DIRECTORY_IDS: Final = "log-directories"

LogKey = tuple[uuid.UUID, int]

logger = logging.getLogger(__name__)


def read_offsets(files: Files, directory: str, name: str) -> dict[LogKey, int] | None:
    """The offsets in a checkpoint; None if it is missing or damaged."""
    path = f"{directory}/{name}"
    try:
        rows = decode_checkpoint(read_file(files, path), fields=3)
        return {(decode_topic_id(t), int(p)): int(offset) for t, p, offset in rows}
    except FileNotFoundError:
        return None
    except (CorruptCheckpointError, ValueError) as error:
        logger.warning("storage.checkpoint: %s is not used: %s", path, error)
        return None


def encode_offsets(offsets: Iterable[tuple[LogKey, int]]) -> bytes:
    return encode_checkpoint((encode_topic_id(t), p, offset) for (t, p), offset in offsets)


def open_identity(
    files: Files, directory: str, *, cluster_id: str | None, node_id: int
) -> dict[str, str]:
    """Read `meta.properties`, or write it in a directory that has none.

    Raises:
        ConfigError: the directory is another cluster's, another node's, or of a newer format.
    """
    path = f"{directory}/{META_PROPERTIES}"
    if not files.exists(path):
        properties = {
            "version": META_VERSION,
            "cluster.id": cluster_id or encode_topic_id(uuid.uuid4()),
            "node.id": str(node_id),
            "directory.id": encode_topic_id(uuid.uuid4()),
        }
        replace_file(files, path, encode_properties(properties))
        return properties
    try:
        properties = decode_properties(read_file(files, path))
    except CorruptCheckpointError as error:
        raise ConfigError(
            f"{path} is damaged: {error}",
            hint="it says whose data these are; bring it back from a copy",
        ) from None
    _check(path, properties, "version", META_VERSION)
    _check(path, properties, "node.id", str(node_id))
    if cluster_id is not None:
        _check(path, properties, "cluster.id", cluster_id)
    if not properties.get("cluster.id"):
        raise ConfigError(f"{path} names no cluster.id")
    return properties


def _check(path: str, properties: dict[str, str], key: str, wanted: str) -> None:
    found = properties.get(key)
    if found != wanted:
        raise ConfigError(
            f"{path} says {key}={found}, this broker has {key}={wanted}",
            hint="the data directory belongs to another broker, or was written by a newer flowlog",
        )


def read_ids(files: Files, directory: str) -> set[str]:
    """The ids in `log-directories`; none if it is missing. Raises ConfigError if it is damaged."""
    path = f"{directory}/{DIRECTORY_IDS}"
    try:
        return {row[0] for row in decode_checkpoint(read_file(files, path), fields=1)}
    except FileNotFoundError:
        return set()
    except CorruptCheckpointError as error:
        raise ConfigError(
            f"{path} is damaged: {error}",
            hint="it names the folders that hold data; without it all of log.dirs must be there",
        ) from None


def write_ids(files: Files, directory: str, ids: Iterable[str]) -> None:
    data = encode_checkpoint([name] for name in sorted(ids))
    replace_file(files, f"{directory}/{DIRECTORY_IDS}", data)


def take_clean_marker(files: Files, directory: str) -> set[LogKey] | None:
    """The logs that were not closed at the last stop, if it was clean; None if it was not.

    The marker is gone, durably, when this returns.
    """
    path = f"{directory}/{CLEAN_MARKER}"
    unclosed: set[LogKey] | None = None
    try:
        rows = decode_checkpoint(read_file(files, path), fields=2)
        unclosed = {(decode_topic_id(topic_id), int(p)) for topic_id, p in rows}
    except FileNotFoundError:
        return None
    except (CorruptCheckpointError, ValueError) as error:
        logger.warning("storage.checkpoint: %s is not used: %s", path, error)
    files.remove(path)
    files.sync_dir(directory)
    return unclosed


def write_clean_marker(files: Files, directory: str, unclosed: Iterable[LogKey]) -> None:
    """Say that the directory was closed, all but the damaged logs that were `unclosed`."""
    data = encode_checkpoint((encode_topic_id(topic_id), p) for topic_id, p in unclosed)
    replace_file(files, f"{directory}/{CLEAN_MARKER}", data)
