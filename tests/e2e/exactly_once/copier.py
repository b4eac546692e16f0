"""One worker: reads numbers, writes each to the same partition of the output, and the offsets.

Run as `python -m tests.e2e.exactly_once.copier BOOTSTRAP NAME [--plain]`; it goes on until it is
killed. With `--plain` records and offsets are written without a transaction: the negative control.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any, Final

import confluent_kafka as ck

from tests.e2e.kill.load import client_settings

INPUT: Final = "exactly-once-in"
OUTPUT: Final = "exactly-once-out"
GROUP: Final = "copiers"
BATCH_MAX: Final = 250
PAUSE_S: Final = 0.02
"""Between the last record of a transaction and its end: a time in which it is good to be killed."""
TRANSACTION_TIMEOUT_MS: Final = 4_000
SESSION_TIMEOUT_MS: Final = 1_500
CALL_TIMEOUT_S: Final = 10.0


ONE_BROKER: Final[Mapping[str, object]] = {"metadata.recovery.strategy": "none"}
"""librdkafka 2.16 forgets its brokers when none can be reached. An offset commit of a transaction
that is under way then waits for ever for the coordinator that it knew."""


class StartAgainError(Exception):
    """These clients are of no more use: fenced, or in doubt about what became of an end."""


def transformed(value: bytes) -> bytes:
    return b"<" + value + b">"


class Copier:
    """A producer and a consumer; what goes wrong ends in an abort, or in new ones."""

    def __init__(self, bootstrap: str, name: str, *, in_transactions: bool) -> None:
        self._in_transactions = in_transactions
        self._consumer = ck.Consumer(
            {
                **client_settings(bootstrap),
                **ONE_BROKER,
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "session.timeout.ms": SESSION_TIMEOUT_MS,
                "heartbeat.interval.ms": 300,
                "fetch.wait.max.ms": 50,
            }
        )
        transactional: Mapping[str, object] = {
            "transactional.id": name,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "socket.timeout.ms": TRANSACTION_TIMEOUT_MS,
        }
        self._producer = ck.Producer(
            {
                **client_settings(bootstrap),
                **ONE_BROKER,
                "enable.idempotence": True,
                "linger.ms": 1,
                **(transactional if in_transactions else {}),
            }
        )

    def start(self) -> None:
        """Take over the transactional id; raises `ck.KafkaException`."""
        if self._in_transactions:
            self._ask(self._producer.init_transactions, CALL_TIMEOUT_S)
        self._consumer.subscribe([INPUT])

    def step(self) -> None:
        """Copy one batch. Raises `StartAgainError`."""
        records = [m for m in self._consumer.consume(BATCH_MAX, 0.1) if m.error() is None]
        if not records:
            return
        try:
            if self._in_transactions:
                self._in_a_transaction(records)
            else:
                self._plainly(records)
        except (ck.KafkaException, BufferError) as error:
            self._recover(error)

    def close(self) -> None:
        self._consumer.close()

    def _in_a_transaction(self, records: list[Any]) -> None:
        self._producer.begin_transaction()
        self._copy(records)
        self._producer.flush(CALL_TIMEOUT_S)
        time.sleep(PAUSE_S)
        group = self._consumer.consumer_group_metadata()
        self._ask(
            self._producer.send_offsets_to_transaction, _behind(records), group, CALL_TIMEOUT_S
        )
        self._ask(self._producer.commit_transaction, CALL_TIMEOUT_S)

    def _plainly(self, records: list[Any]) -> None:
        self._copy(records)
        self._producer.flush()
        time.sleep(10 * PAUSE_S)
        self._consumer.commit(offsets=_behind(records), asynchronous=False)

    def _copy(self, records: list[Any]) -> None:
        for record in records:
            self._producer.produce(
                OUTPUT, transformed(record.value()), partition=record.partition()
            )

    def _ask(self, call: Any, *arguments: Any) -> None:
        """Call again what may be called again; other errors are the caller's."""
        deadline = time.monotonic() + 4 * CALL_TIMEOUT_S
        while True:
            try:
                call(*arguments)
                return
            except ck.KafkaException as exception:
                error = exception.args[0]
                if error.fatal() or not error.retriable() or time.monotonic() > deadline:
                    raise

    def _recover(self, exception: Exception) -> None:
        """Abort and go back to what is committed. Raises `StartAgainError` where that fails."""
        if not self._in_transactions:
            raise StartAgainError(str(exception))
        error = exception.args[0] if isinstance(exception, ck.KafkaException) else None
        if error is not None and (error.fatal() or not error.txn_requires_abort()):
            raise StartAgainError(str(error))
        try:
            self._ask(self._producer.abort_transaction, CALL_TIMEOUT_S)
            for position in self._consumer.committed(self._consumer.assignment(), CALL_TIMEOUT_S):
                start = max(position.offset, 0)
                self._consumer.seek(ck.TopicPartition(INPUT, position.partition, start))
        except ck.KafkaException as second:
            raise StartAgainError(str(second)) from None


def _behind(records: list[Any]) -> list[Any]:
    """The offsets to go on from."""
    ends = {record.partition(): record.offset() + 1 for record in records}
    return [ck.TopicPartition(INPUT, partition, end) for partition, end in ends.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("name")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    while True:
        copier = Copier(options.bootstrap, options.name, in_transactions=not options.plain)
        try:
            copier.start()
            while True:
                copier.step()
        except (StartAgainError, ck.KafkaException) as error:
            print(f"starting again: {error}", flush=True)
            copier.close()


if __name__ == "__main__":
    main()
