"""How partitions' directories are called, and nothing else: `<topic id>-<partition>`.

No part of a name comes from a user, so no topic name can lead out of the data directory, collide
with another on a file system that ignores case, or be too long; and a topic that is deleted and
created again never finds its old files. See docs/decisions/0002-log-directories.md.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

DELETED_SUFFIX: Final = "-delete"
PARTITION_MAX: Final = 2**31 - 1
_NAME: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(0|[1-9][0-9]{0,9})")
_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def directory_name(topic_id: uuid.UUID, partition: int) -> str:
    assert 0 <= partition <= PARTITION_MAX, partition
    return f"{topic_id}-{partition}"


def parse_directory_name(name: str) -> tuple[uuid.UUID, int] | None:
    """The topic id and partition of a name made by `directory_name`, None for any other."""
    match = _NAME.fullmatch(name)
    if match is None or int(match[2]) > PARTITION_MAX:
        return None
    return uuid.UUID(match[1]), int(match[2])


def deleted_name(name: str, attempt: int) -> str:
    """What a directory is called while it waits to be removed."""
    return f"{name}.{attempt}{DELETED_SUFFIX}"


def is_deleted_name(name: str) -> bool:
    stem, _, attempt = name.removesuffix(DELETED_SUFFIX).rpartition(".")
    return (
        name.endswith(DELETED_SUFFIX)
        and attempt.isdecimal()
        and parse_directory_name(stem) is not None
    )


def is_valid_topic(name: str) -> bool:
    """Kafka's rule; names are checked where they come in, and again before they are stored."""
    return _TOPIC.fullmatch(name) is not None and name not in (".", "..")
