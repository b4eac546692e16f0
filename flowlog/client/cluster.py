"""One cluster that answers: the connection check, metadata, and awaited admin futures.

librdkafka hides why it cannot connect behind "broker transport failure" and waits out its whole
time limit even when nothing listens. `Cluster` asks the sockets first, so that a wrong address
fails at once, and keeps what librdkafka reports on the side, so that a refused password says so.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flowlog.errors import ConfigError

from .errors import AUTH_FAILED, CANNOT_CONNECT, ClientError, client_error, code_of, topic_not_found
from .settings import Address, ClientSettings

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

T = TypeVar("T")

_METADATA_SLICE_S: Final = 1.0
_RETRY_PAUSE_S: Final = 0.05
_SAY_AFTER_S: Final = 2.0


class Cluster:
    """A cluster as an admin sees it. Cheap to make: the first call that needs a broker connects."""

    def __init__(
        self, settings: ClientSettings, *, on_wait: Callable[[str], None] | None = None
    ) -> None:
        """Nothing connects yet; `on_wait` is told once what a long wait is for."""
        self.settings = settings
        self._on_wait = on_wait
        self._admin: Any = None
        self._reported: list[KafkaError] = []

    @property
    def timeout_s(self) -> float:
        return self.settings.timeout_s

    @property
    def admin(self) -> Any:
        """confluent-kafka's AdminClient, connected.

        Raises:
            ClientError: CANNOT_CONNECT or AUTH_FAILED within the time limit.
            ConfigError: a property that librdkafka does not know.
        """
        if self._admin is None:
            self._connect()
        return self._admin

    def metadata(self) -> Any:
        """confluent-kafka's ClusterMetadata: brokers, topics, partitions, leaders."""
        return self._fetch_metadata(self.admin)

    def topic_names(self) -> tuple[str, ...]:
        """Every topic there is, internal ones too, sorted."""
        return tuple(sorted(self.metadata().topics))

    def partitions_of(self, topic: str) -> tuple[int, ...]:
        """The topic's partitions, from 0.

        Raises:
            ClientError: TOPIC_NOT_FOUND, with the closest name as hint.
        """
        topics: Mapping[str, Any] = self.metadata().topics
        if topic not in topics:
            raise topic_not_found(topic, topics)
        return tuple(sorted(topics[topic].partitions))

    def wait(self, future: Future[T], doing: str) -> T:
        """The future's result; `doing` completes "cannot ..." in the error.

        Raises:
            ClientError: the request failed or did not finish within the time limit.
        """
        from confluent_kafka import KafkaException

        try:
            # librdkafka ends the request itself; the margin only guards against a lost answer.
            return future.result(self.timeout_s + 5)
        except KafkaException as error:
            raise client_error(error.args[0], doing) from None
        except TimeoutError:
            raise ClientError(f"cannot {doing}: no answer", code="TIMED_OUT") from None

    def retry(self, call: Callable[[], T]) -> T:
        """Call again while it fails with a retriable error, up to the time limit.

        A topic that was just made has no leader for a moment (NOT_LEADER_FOR_PARTITION).
        """
        deadline = time.monotonic() + self.timeout_s
        while True:
            try:
                return call()
            except ClientError as error:
                if not error.retriable or time.monotonic() >= deadline:
                    raise
            time.sleep(_RETRY_PAUSE_S)

    def _connect(self) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        probe(self.settings.addresses(), self.timeout_s)
        try:
            admin = AdminClient(self.settings.librdkafka({"error_cb": self._reported.append}))
        except KafkaException as error:
            raise config_error(error) from None
        self._fetch_metadata(admin)
        self._admin = admin

    def _fetch_metadata(self, admin: Any) -> Any:
        from confluent_kafka import KafkaException

        started = time.monotonic()
        while True:
            left_s = started + self.timeout_s - time.monotonic()
            try:
                return admin.list_topics(timeout=max(0.1, min(left_s, _METADATA_SLICE_S)))
            except KafkaException as error:
                admin.poll(0)
                self._raise_reported(error.args[0], final=left_s <= _METADATA_SLICE_S)
                self._maybe_say(time.monotonic() - started)

    def _maybe_say(self, waited_s: float) -> None:
        if self._on_wait is not None and waited_s >= _SAY_AFTER_S:
            self._on_wait(f"waiting for {self.settings.bootstrap} to answer")
            self._on_wait = None

    def _raise_reported(self, error: KafkaError, *, final: bool) -> None:
        for reported in self._reported:
            if code_of(reported) == AUTH_FAILED:
                raise client_error(reported, f"log in to {self.settings.bootstrap}")
        if final:
            reason = self._reported[0].str() if self._reported else error.str()
            raise ClientError(
                f"cannot connect to {self.settings.bootstrap}: {reason}", code=CANNOT_CONNECT
            )


def config_error(error: Exception) -> ConfigError:
    """librdkafka's complaint about its configuration, as our error."""
    reason = error.args[0]
    text = reason.str() if hasattr(reason, "str") else str(reason)
    return ConfigError(
        text, hint="-X takes librdkafka's properties, as in -X security.protocol=ssl"
    )


def probe(addresses: tuple[Address, ...], timeout_s: float) -> None:
    """Return once one address accepts a TCP connection.

    Raises:
        ClientError: CANNOT_CONNECT; none does. Refused ones and unknown hosts fail at once.
    """
    reasons = []
    deadline = time.monotonic() + timeout_s
    for number, address in enumerate(addresses):
        left_s = (deadline - time.monotonic()) / (len(addresses) - number)
        try:
            socket.create_connection((address.host, address.port), max(0.1, left_s)).close()
            return
        except OSError as error:
            reasons.append(f"{address} ({_reason(error)})")
    raise ClientError(f"cannot connect to {', '.join(reasons)}", code=CANNOT_CONNECT)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror or str(error)).lower()
