"""Authorized operations as bit fields: a bit per operation's number in the protocol.

Without an authorizer a client may do whatever its kind of resource has.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class AclOperation(IntEnum):
    """What can be done to a resource, numbered as in the protocol."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


def bit_field(*operations: AclOperation) -> int:
    return sum(1 << operation for operation in operations)


_O = AclOperation
CLUSTER_OPERATIONS: Final = bit_field(
    _O.CREATE,
    _O.ALTER,
    _O.DESCRIBE,
    _O.CLUSTER_ACTION,
    _O.DESCRIBE_CONFIGS,
    _O.ALTER_CONFIGS,
    _O.IDEMPOTENT_WRITE,
)
TOPIC_OPERATIONS: Final = bit_field(
    _O.READ,
    _O.WRITE,
    _O.CREATE,
    _O.DELETE,
    _O.ALTER,
    _O.DESCRIBE,
    _O.DESCRIBE_CONFIGS,
    _O.ALTER_CONFIGS,
)
GROUP_OPERATIONS: Final = bit_field(
    _O.READ, _O.DELETE, _O.DESCRIBE, _O.DESCRIBE_CONFIGS, _O.ALTER_CONFIGS
)
