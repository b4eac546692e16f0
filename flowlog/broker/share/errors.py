"""What share consumers hear of errors that are about where states are kept.

Source: `fetchPersisterError`, `SharePartition` in apache/kafka, core.
"""

from __future__ import annotations

from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

_OF_PERSISTER: Final = {
    ErrorCode.not_coordinator: ErrorCode.coordinator_not_available,
    ErrorCode.coordinator_load_in_progress: ErrorCode.coordinator_not_available,
    ErrorCode.fenced_leader_epoch: ErrorCode.not_leader_or_follower,
    ErrorCode.fenced_state_epoch: ErrorCode.not_leader_or_follower,
}


def fetch_error(error: KafkaError) -> KafkaError:
    """The error as a consumer can act on it."""
    code = _OF_PERSISTER.get(error.error_code)
    return error if code is None else KafkaError(code, error.message)
