"""Producers of one transactional id as the state machine drives them: what they know and heard."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.requests import Ended, Initialized
from flowlog.broker.transactions.transaction import Producer, TopicPartition

from .partition import Permit
from .world import Answer


class Outcome(enum.Enum):
    """What a client was promised of its transaction."""

    COMMITTED = "committed"
    ABORTED = "aborted"


class Value(NamedTuple):
    """One record: whose, of which of its transactions."""

    client: int
    transaction: int


class Asked(NamedTuple):
    """A batch that waits for the coordinator's word, in the partition that it is for."""

    value: Value
    producer: Producer
    partition: TopicPartition
    permit: Permit
    answer: Answer

    def may_be_appended(self) -> bool:
        """Whether the word came, and was yes."""
        value = self.answer.value
        if isinstance(value, Mapping):
            value = value[self.partition]
        return value is ErrorCode.none


@dataclass
class Client:
    """One life of a producer. Requests are answered later, or never.

    `version`: the transaction version that it speaks.
    """

    serial: int
    version: int
    life: int = 0
    """Grows with each start that was asked for: a later life fences the earlier ones."""
    producer: Producer | None = None
    initializing: Answer | None = None
    ending: Answer | None = None
    wants_commit: bool | None = None
    """What it asked for, until it knows."""
    gave_up: bool = False
    """It heard that it was fenced, after which a producer is of no use."""
    is_replaced: bool = False
    """There is a newer one, whether it knows or not."""
    transaction: int = 0
    promised: dict[Value, Outcome] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def value(self) -> Value:
        return Value(self.serial, self.transaction)

    @property
    def is_busy(self) -> bool:
        return self.initializing is not None or self.ending is not None

    @property
    def arrival(self) -> int:
        """When the answer that it waits for came, among all answers."""
        waited_for = self.initializing or self.ending
        return 0 if waited_for is None else waited_for.arrival

    def hear(self) -> ErrorCode | None:
        """Take in an answer that has come: its error; None if none has."""
        if self.initializing is not None and self.initializing.value is not None:
            answer, self.initializing = self.initializing.value, None
            return self._hear_of_start(answer)
        if self.ending is not None and self.ending.value is not None:
            answer, self.ending = self.ending.value, None
            return self._hear_of_end(answer)
        return None

    def _hear_of_start(self, answer: Initialized | ErrorCode) -> ErrorCode:
        if isinstance(answer, ErrorCode):
            return answer
        if answer.error is ErrorCode.none:
            self.producer = Producer(answer.producer_id, answer.producer_epoch)
            self._next()
        return answer.error

    def _hear_of_end(self, answer: Ended | ErrorCode) -> ErrorCode:
        if isinstance(answer, ErrorCode):
            return answer
        if answer.error is ErrorCode.none:
            self.promised[self.value] = Outcome.COMMITTED if self.wants_commit else Outcome.ABORTED
            if self.version >= 2:
                self.producer = Producer(answer.producer_id, answer.producer_epoch)
            self._next()
        elif answer.error is ErrorCode.invalid_txn_state:
            self._next()  # what became of it is not known
        return answer.error

    def _next(self) -> None:
        self.transaction += 1
        self.wants_commit = None

    def lose_connections(self) -> None:
        """The coordinator is gone: no answer will come to what was asked."""
        self.initializing = self.ending = None
        self.asked.clear()
