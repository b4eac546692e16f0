"""What is durable of a member of a share group: what it said of itself, and what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

Target: TypeAlias = Mapping[UUID, frozenset[int]]
"""Partitions by topic, none of them empty."""

NOTHING: Final[Target] = {}

JOIN_EPOCH: Final = 0
LEAVE_EPOCH: Final = -1
STABLE: Final = 0  # the only state there is: what others have need not be given up first


class ShareMember(NamedTuple):
    """What a member said of itself."""

    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topics: frozenset[str] = frozenset()


class ShareAssignment(NamedTuple):
    """What a member was given, and in which epoch."""

    member_epoch: int = JOIN_EPOCH
    previous_epoch: int = JOIN_EPOCH  # before its last step
    assigned: Target = NOTHING


JOINING: Final = ShareAssignment()
