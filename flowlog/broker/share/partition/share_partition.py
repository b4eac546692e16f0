"""`SharePartition`: what became of the records of one partition in one share group. Pure.

Records are AVAILABLE, then ACQUIRED by a member under a lock, then back, or ACKNOWLEDGED or
ARCHIVED for good. What is to be durable is written elsewhere: `begin_write` says what, and
`end_write` whether it is; there is one write at a time. An acknowledgement counts once it is
written. Locks that end do not wait: they change things at once, and are written with the next.

Source: `SharePartition` in apache/kafka, core; KIP-932.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..persister import AVAILABLE, StateBatch
from .acknowledging import checked, held, outcome_of, released
from .acquiring import Delivery
from .requests import (
    Acknowledgement,
    AcknowledgeType,
    Acquired,
    Acquisition,
    Limits,
    Reading,
)
from .run import ACQUIRED, FINAL, NO_CHANGE, Run
from .window import Window


class Unwritten(NamedTuple):
    """A change of the durable state, laid over what was written before."""

    start_offset: int
    batches: tuple[StateBatch, ...]
    complete_count: int  # records from the start offset on that need no delivery any more


class SharePartition:
    """One partition as one share group sees it. Times are monotonic milliseconds.

    Invariants: a record is held by one member at most; no record leaves ACKNOWLEDGED or ARCHIVED;
    none is delivered more often than the limit; the start offset never goes back.
    """

    def __init__(self, start_offset: int, batches: Iterable[StateBatch] = ()) -> None:
        """`batches`: what had been written when the group was last served, ascending."""
        self._window = Window(start_offset, batches)
        self._window.trim()
        self._written_start = self._start_being_written = start_offset
        self._available_from = self._window.start_offset
        """Nothing before it is available."""
        self._changes = NO_CHANGE  # the number of the last one
        self._writing: int | None = None  # the last change of the write that is under way
        self._immediate: list[StateBatch] = []  # what is unwritten of changes that did not wait
        self._is_doubtful = False
        """Whether a write failed: it may have been done in part, so the next one says all."""
        self._locks_end_ms: int | None = None

    @property
    def start_offset(self) -> int:
        """Every record before it has come to its end."""
        return self._window.start_offset

    @property
    def end_offset(self) -> int:
        """The next offset that no member was given yet (exclusive)."""
        return self._window.end_offset

    @property
    def runs(self) -> Sequence[Run]:
        """The records in between; for looking only."""
        return self._window.runs

    # Delivery.

    @property
    def fetch_offset(self) -> int:
        """Where to read next: the first released record, else the first new one."""
        found = self._window.first_available(self._available_from)
        self._available_from = self.end_offset if found is None else found
        return self._available_from

    def can_acquire(self, limits: Limits) -> bool:
        """Whether there is a point in reading: new records have to wait for a place."""
        return self.fetch_offset < self.end_offset or len(self._window) < limits.record_locks

    def acquire(
        self, reading: Reading, wanted: Acquisition, limits: Limits, now_ms: int
    ) -> list[Acquired]:
        """Give a member records of what was read from `fetch_offset` on; perhaps none."""
        delivery = Delivery(self._window, reading, wanted, limits, now_ms)
        delivery.run()
        self._immediate += delivery.archived
        self._window.trim()
        if delivery.acquired:
            until_ms = now_ms + limits.lock_duration_ms
            if self._locks_end_ms is None or until_ms < self._locks_end_ms:
                self._locks_end_ms = until_ms
        return delivery.acquired

    def move_log_start(self, log_start_offset: int) -> bool:
        """The log begins there now: whatever comes before needs no delivery any more."""
        moved = self._window.drop_before(log_start_offset)
        self._window.trim()
        return moved

    # Members.

    def acknowledge(
        self,
        member_id: str,
        acknowledgements: Sequence[Acknowledgement],
        limits: Limits,
        now_ms: int,
    ) -> bool:
        """Take in what a member says; whether there is something to be written of it.

        Raises:
            KafkaError: INVALID_RECORD_STATE or INVALID_REQUEST; nothing has changed then.
        """
        parts = checked(self._window, member_id, acknowledgements, limits)
        change = self._changes + 1
        for part in parts:
            for run in held(self._window, part):
                if part.type is AcknowledgeType.RENEW:
                    run.locked_until_ms = now_ms + limits.lock_duration_ms
                else:
                    run.change, run.outcome = change, outcome_of(run, part.type, limits)
                    self._changes = change
        return self._changes == change

    def release(self, member_id: str, limits: Limits) -> bool:
        """The member is gone: whether it held anything that is free again."""
        return self._release(
            [run for run in self.runs if run.is_free and run.member_id == member_id], limits
        )

    def next_deadline_ms(self) -> int | None:
        """When the first lock may end."""
        return self._locks_end_ms

    def on_time(self, limits: Limits, now_ms: int) -> bool:
        """End the locks whose time is over; whether there were any."""
        if self._locks_end_ms is None or now_ms < self._locks_end_ms:
            return False
        over = [run for run in self.runs if run.is_free and run.locked_until_ms <= now_ms]
        freed = self._release(over, limits)
        locks = (run.locked_until_ms for run in self.runs if run.is_free)
        self._locks_end_ms = min(locks, default=None)
        return freed

    def _release(self, runs: Sequence[Run], limits: Limits) -> bool:
        for run in runs:
            state = released(run, limits)
            self._immediate.append(run.batch(state))
            self._settle(run, state)
        self._window.trim()
        self._window.join()
        return bool(runs)

    # Writing.

    @property
    def has_unwritten(self) -> bool:
        """Whether `begin_write` has something new to say."""
        return (
            bool(self._immediate)
            or self._is_doubtful
            or self.start_offset > self._written_start
            or any(run.change != NO_CHANGE for run in self.runs)
        )

    def begin_write(self) -> Unwritten:
        """All that is not durable yet, as it will be once it is."""
        assert self._writing is None, "one write at a time"
        self._writing = self._changes
        changing = [run for run in self.runs if run.change != NO_CHANGE]
        settled = self._settled() if self._is_doubtful else self._immediate
        batches = (*settled, *(run.batch(run.outcome) for run in changing))
        self._immediate = []
        start_offset, complete_count = self._when_written()
        self._start_being_written = start_offset
        return Unwritten(start_offset, batches, complete_count)

    def _settled(self) -> list[StateBatch]:
        """All that is known, but for locks and what is changing."""
        return [
            run.batch(run.state)
            for run in self.runs
            if run.state != ACQUIRED and (run.is_final or run.was_delivered)
        ]

    def _when_written(self) -> tuple[int, int]:
        """Once every change counts: the start offset, and how many behind it are final."""
        start_offset, complete_count, is_start = self.start_offset, 0, True
        for run in self.runs:
            state = run.state if run.change == NO_CHANGE else run.outcome
            if state in FINAL:
                if is_start:
                    start_offset = run.last + 1
                else:
                    complete_count += len(run)
            else:
                is_start = False
        return start_offset, complete_count

    def end_write(self, *, is_written: bool) -> bool:
        """What was written counts now, or was never said; whether anything is free again.

        Members hold what could not be written until its lock ends.
        """
        assert self._writing is not None, "no write was begun"
        last, self._writing = self._writing, None
        freed = False
        self._is_doubtful = not is_written
        if is_written:
            self._written_start = self._start_being_written
        for run in self.runs:
            if NO_CHANGE < run.change <= last:
                if is_written:
                    self._settle(run, run.outcome)
                    freed |= run.is_available
                else:
                    self._roll_back(run)
        self._window.trim()
        self._window.join()
        return freed

    def _roll_back(self, run: Run) -> None:
        assert run.state == ACQUIRED, run
        run.change, run.outcome = NO_CHANGE, AVAILABLE
        until_ms = run.locked_until_ms
        if self._locks_end_ms is None or until_ms < self._locks_end_ms:
            self._locks_end_ms = until_ms

    # Inside.

    def _settle(self, run: Run, state: int) -> None:
        run.settle(state)
        if state == AVAILABLE:
            self._available_from = min(self._available_from, run.first)
