"""What librdkafka reports, as errors that a person can act on.

`KafkaError` and `KafkaException` of confluent-kafka stay inside this package: `client_error` turns
them into a `ClientError` with a stable code, a hint and a command to try.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from flowlog.errors import FlowlogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from confluent_kafka import KafkaError

CANNOT_CONNECT: Final = "CANNOT_CONNECT"
AUTH_FAILED: Final = "AUTH_FAILED"
NOT_ALLOWED: Final = "NOT_ALLOWED"
TIMED_OUT: Final = "TIMED_OUT"
TOPIC_NOT_FOUND: Final = "TOPIC_NOT_FOUND"
GROUP_NOT_FOUND: Final = "GROUP_NOT_FOUND"
GROUP_NOT_EMPTY: Final = "GROUP_NOT_EMPTY"

# librdkafka's own names begin with an underscore; the others are the protocol's.
_CODES: Final[Mapping[str, str]] = {
    "_TRANSPORT": CANNOT_CONNECT,
    "_ALL_BROKERS_DOWN": CANNOT_CONNECT,
    "_RESOLVE": CANNOT_CONNECT,
    "_SSL": CANNOT_CONNECT,
    "_AUTHENTICATION": AUTH_FAILED,
    "SASL_AUTHENTICATION_FAILED": AUTH_FAILED,
    "UNSUPPORTED_SASL_MECHANISM": AUTH_FAILED,
    "ILLEGAL_SASL_STATE": AUTH_FAILED,
    "TOPIC_AUTHORIZATION_FAILED": NOT_ALLOWED,
    "GROUP_AUTHORIZATION_FAILED": NOT_ALLOWED,
    "CLUSTER_AUTHORIZATION_FAILED": NOT_ALLOWED,
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": NOT_ALLOWED,
    "_TIMED_OUT": TIMED_OUT,
    "_TIMED_OUT_QUEUE": TIMED_OUT,
    "_MSG_TIMED_OUT": TIMED_OUT,
    "REQUEST_TIMED_OUT": TIMED_OUT,
    "UNKNOWN_TOPIC_OR_PART": TOPIC_NOT_FOUND,
    "_UNKNOWN_TOPIC": TOPIC_NOT_FOUND,
    "_UNKNOWN_PARTITION": "PARTITION_NOT_FOUND",
    "UNKNOWN_TOPIC_ID": TOPIC_NOT_FOUND,
    "GROUP_ID_NOT_FOUND": GROUP_NOT_FOUND,
    "NON_EMPTY_GROUP": GROUP_NOT_EMPTY,
    "TOPIC_EXCEPTION": "INVALID_TOPIC",
    "MSG_SIZE_TOO_LARGE": "RECORD_TOO_LARGE",
    "_INVALID_ARG": "CONFIG",
}

_HINTS: Final[Mapping[str, str]] = {
    CANNOT_CONNECT: "is a broker running there, and does it advertise an address you can reach?",
    AUTH_FAILED: "check the credentials: -X sasl.mechanism, sasl.username, sasl.password",
    NOT_ALLOWED: "this principal lacks the permission; ask whoever manages the ACLs",
    TIMED_OUT: "the broker was reached but did not finish in time; raise --timeout",
    TOPIC_NOT_FOUND: "topic names are case-sensitive",
    GROUP_NOT_EMPTY: "the group still has members; stop them first",
    "TOPIC_ALREADY_EXISTS": "choose another name, or change the one that is there",
    "POLICY_VIOLATION": "the cluster's policy refuses this",
    "RECORD_TOO_LARGE": "raise max.message.bytes of the topic and message.max.bytes (-X)",
    "INVALID_REPLICATION_FACTOR": "the cluster has fewer brokers than copies asked for",
    "UNSUPPORTED_VERSION": "this broker does not offer the request that the command needs",
}

_TRY: Final[Mapping[str, str]] = {
    CANNOT_CONNECT: "flowlog dev",
    TOPIC_NOT_FOUND: "flowlog topics list",
    GROUP_NOT_FOUND: "flowlog groups list",
}


class ClientError(FlowlogError):
    """A request to a broker that failed; `retriable` says that the same call may succeed later."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str = "",
        try_command: str = "",
        retriable: bool = False,
    ) -> None:
        super().__init__(
            message,
            code=code,
            hint=hint or _HINTS.get(code, ""),
            try_command=try_command or _TRY.get(code, ""),
        )
        self.retriable = retriable


def code_of(error: KafkaError) -> str:
    """The stable code of a librdkafka error: ours where it has one, else the protocol's name."""
    name = str(error.name())
    return _CODES.get(name, name.lstrip("_"))


def client_error(error: KafkaError, doing: str) -> ClientError:
    """The error to raise; `doing` completes "cannot ...", as in "create topic 'orders'"."""
    reason = str(error.str()).removeprefix("Broker: ").removeprefix("Local: ")
    return ClientError(
        f"cannot {doing}: {_one_line(reason)}", code=code_of(error), retriable=error.retriable()
    )


def topic_not_found(topic: str, known: Iterable[str]) -> ClientError:
    """No such topic; the hint names the closest one there is."""
    close = get_close_matches(topic, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else ""
    return ClientError(f"no topic {topic!r}", code=TOPIC_NOT_FOUND, hint=hint)


def group_not_found(group: str, known: Iterable[str]) -> ClientError:
    """No such consumer group; the hint names the closest one there is."""
    close = get_close_matches(group, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else ""
    return ClientError(f"no group {group!r}", code=GROUP_NOT_FOUND, hint=hint)


def _one_line(text: str) -> str:
    return " ".join(text.split())
