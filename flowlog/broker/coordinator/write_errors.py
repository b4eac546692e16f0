"""What a group's or transaction's client hears when its coordinator could not write."""

from __future__ import annotations

from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

AS_HEARD_BY_CLIENTS: Final = {
    ErrorCode.unknown_topic_or_partition: ErrorCode.coordinator_not_available,
    ErrorCode.not_enough_replicas: ErrorCode.coordinator_not_available,
    ErrorCode.not_enough_replicas_after_append: ErrorCode.coordinator_not_available,
    ErrorCode.request_timed_out: ErrorCode.coordinator_not_available,
    ErrorCode.not_leader_or_follower: ErrorCode.not_coordinator,
    ErrorCode.kafka_storage_error: ErrorCode.not_coordinator,
    ErrorCode.message_too_large: ErrorCode.unknown_server_error,
    ErrorCode.record_list_too_large: ErrorCode.unknown_server_error,
    ErrorCode.invalid_fetch_size: ErrorCode.unknown_server_error,
}


def client_error(error: KafkaError | OSError) -> ErrorCode:
    """The error code for a client whose request could not be written.

    A client knows what to do about a coordinator that is away or moved; it knows nothing of the
    partition behind it. Source: `CoordinatorOperationExceptionHelper` in apache/kafka.
    """
    if isinstance(error, KafkaError):
        return AS_HEARD_BY_CLIENTS.get(error.error_code, error.error_code)
    return ErrorCode.not_coordinator
