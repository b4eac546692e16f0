"""`SharePartition` against a plain model: one dict of what became of each record.

What is durable is kept as the share coordinator keeps it (`combine`). A write may fail, and may
have been done all the same; a crash leaves what is durable and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flowlog.broker.share.partition.requests import (
    Acknowledgement,
    AcknowledgeType,
    AcquireMode,
    Acquisition,
    Extent,
    Limits,
    Reading,
)
from flowlog.broker.share.partition.share_partition import SharePartition, Unwritten
from flowlog.broker.share.persister import ACKNOWLEDGED, ARCHIVED, AVAILABLE
from flowlog.broker.share.state.batches import Batches, combine
from flowlog.errors import KafkaError

LOCK_MS = 1_000
LIMITS = Limits(lock_duration_ms=LOCK_MS, delivery_count=3, record_locks=30)
MEMBERS = ("anna", "bert", "cleo")
ACQUIRED = 1
TYPES = st.sampled_from([AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT])


@dataclass
class Record:
    """What the model knows of a record."""

    state: int = AVAILABLE
    count: int = 0
    member: str = ""
    until_ms: int = 0
    said: AcknowledgeType | None = None  # not durable yet


class SharePartitionMachine(RuleBasedStateMachine):
    """No acknowledged record is delivered again, nor one that somebody holds."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[int, int, bool]] = []  # first, last, whether it is data
        self.log_start = self.log_end = 0
        self.now_ms = 0
        self.machine = SharePartition(0)
        self.records: dict[int, Record] = {}
        self.durable: Batches = ()
        self.durable_start = 0
        self.compacted: set[int] = set()
        self.promised: set[int] = set()  # what members were told is acknowledged
        self.writing: Unwritten | None = None
        self.written_offsets: set[int] = set()
        self.start_seen = 0

    # The log.

    @rule(size=st.integers(1, 8), is_data=st.sampled_from([True, True, True, False]))
    def append(self, size: int, is_data: bool) -> None:
        first = self.log_end
        self.log_end += size if is_data else 1
        self.batches.append((first, self.log_end - 1, is_data))
        if is_data:
            self.records.update((offset, Record()) for offset in range(first, self.log_end))

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        """A batch is compacted away: who holds its records may still say what became of them."""
        gone = data.draw(st.sampled_from(self.batches), label="batch")
        self.batches.remove(gone)
        self.compacted.update(range(gone[0], gone[1] + 1))

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def delete_before(self, data: st.DataObject) -> None:
        self.log_start = data.draw(st.integers(self.log_start, self.log_end), label="log start")
        self.batches = [b for b in self.batches if b[1] >= self.log_start]
        self.records = {o: r for o, r in self.records.items() if o >= self.log_start}

    # Members.

    @rule(
        member=st.sampled_from(MEMBERS),
        max_records=st.integers(1, 12),
        batch_size=st.integers(1, 10),
        mode=st.sampled_from(AcquireMode),
        batch_count=st.integers(1, 5),
    )
    def fetch(
        self, member: str, max_records: int, batch_size: int, mode: AcquireMode, batch_count: int
    ) -> None:
        self.machine.move_log_start(self.log_start)
        wanted = Acquisition(member, max_records, batch_size, mode)
        if not self.machine.can_acquire(LIMITS):
            return
        reading = self.reading(batch_count)
        acquired = self.machine.acquire(reading, wanted, LIMITS, self.now_ms)
        offsets = [o for a in acquired for o in range(a.first_offset, a.last_offset + 1)]
        assert offsets == sorted(set(offsets))
        if mode is AcquireMode.RECORD_LIMIT:
            assert len(offsets) <= max_records
        for row in acquired:
            for offset in range(row.first_offset, row.last_offset + 1):
                self.deliver(offset, member, row.delivery_count)

    def deliver(self, offset: int, member: str, delivery_count: int) -> None:
        assert offset not in self.promised, "an acknowledged record was delivered again"
        assert offset not in self.compacted
        record = self.records[offset]
        assert record.state == AVAILABLE, (offset, record)
        assert delivery_count == record.count + 1 <= LIMITS.delivery_count
        record.state, record.count = ACQUIRED, delivery_count
        record.member, record.until_ms = member, self.now_ms + LOCK_MS

    def reading(self, batch_count: int) -> Reading:
        start = self.machine.fetch_offset
        found = [b for b in self.batches if b[1] >= start][:batch_count]
        end = found[-1][1] + 1 if found else start
        return Reading(start, end, tuple(Extent(b[0], b[1]) for b in found if b[2]))

    def held(self, member: str) -> list[int]:
        """What the member holds and has not spoken of."""
        start = self.machine.start_offset
        return [
            offset
            for offset, record in sorted(self.records.items())
            if record.state == ACQUIRED
            and record.member == member
            and record.said is None
            and offset >= start
        ]

    @precondition(lambda self: any(self.held(m) for m in MEMBERS))
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from([m for m in MEMBERS if self.held(m)]), label="member")
        held = self.held(member)
        first = data.draw(st.sampled_from(held), label="first")
        last = first
        longest = data.draw(st.integers(1, 10), label="longest")
        while last + 1 in held and last + 1 - first < longest:
            last += 1
        count = last - first + 1
        types = data.draw(st.lists(TYPES, min_size=count, max_size=count), label="types")
        if len(set(types)) == 1:
            types = types[:1]
        said = Acknowledgement(first, last, tuple(types))
        assert self.machine.acknowledge(member, [said], LIMITS, self.now_ms)
        for offset in range(first, last + 1):
            self.records[offset].said = types[offset - first] if len(types) > 1 else types[0]

    @precondition(lambda self: any(self.held(m) for m in MEMBERS))
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from([m for m in MEMBERS if self.held(m)]), label="member")
        offset = data.draw(st.sampled_from(self.held(member)), label="offset")
        said = Acknowledgement(offset, offset, (AcknowledgeType.RENEW,))
        assert not self.machine.acknowledge(member, [said], LIMITS, self.now_ms)
        self.records[offset].until_ms = self.now_ms + LOCK_MS

    @rule(member=st.sampled_from(MEMBERS), first=st.integers(0, 40), size=st.integers(1, 5))
    def acknowledge_what_is_not_held(self, member: str, first: int, size: int) -> None:
        first = max(first, self.machine.start_offset)
        offsets = range(first, first + size)
        known = self.records.keys() - self.compacted
        of_others = [o for o in offsets if o in known and o not in self.held(member)]
        if not of_others:
            return
        said = Acknowledgement(first, offsets[-1], (AcknowledgeType.ACCEPT,))
        before = repr(self.machine.runs)
        with pytest.raises(KafkaError):
            self.machine.acknowledge(member, [said], LIMITS, self.now_ms)
        assert repr(self.machine.runs) == before

    @rule(member=st.sampled_from(MEMBERS))
    def leave(self, member: str) -> None:
        held = self.held(member)
        self.machine.release(member, LIMITS)
        for offset in held:
            self.give_back(self.records[offset])

    @rule(passed_ms=st.integers(1, LOCK_MS + 1))
    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms
        deadline_ms = self.machine.next_deadline_ms()
        if deadline_ms is not None and deadline_ms <= self.now_ms:
            self.machine.on_time(LIMITS, self.now_ms)
        self.end_locks()

    def end_locks(self) -> None:
        for record in self.records.values():
            if record.state == ACQUIRED and record.said is None and record.until_ms <= self.now_ms:
                self.give_back(record)

    def give_back(self, record: Record) -> None:
        record.state = ARCHIVED if record.count >= LIMITS.delivery_count else AVAILABLE
        record.member, record.said = "", None

    # Writing.

    @precondition(lambda self: self.writing is None and self.machine.has_unwritten)
    @rule()
    def begin_write(self) -> None:
        self.writing = self.machine.begin_write()
        self.written_offsets = {o for o, r in self.records.items() if r.said is not None}
        start = self.writing.start_offset
        assert start >= self.machine.start_offset
        final = [o for o, r in self.records.items() if self.is_final_once_written(r) and o >= start]
        assert self.writing.complete_count >= len([o for o in final if o < self.machine.end_offset])

    @precondition(lambda self: self.writing is not None)
    @rule()
    def write(self) -> None:
        self.make_durable()
        self.machine.end_write(is_written=True)
        for offset in self.written_offsets & self.records.keys():
            record = self.records[offset]
            said, record.said = record.said, None
            if said is AcknowledgeType.RELEASE:
                self.give_back(record)
            else:
                accepted = said is AcknowledgeType.ACCEPT
                record.state = ACKNOWLEDGED if accepted else ARCHIVED
                self.promised.add(offset)
        self.writing = None

    @precondition(lambda self: self.writing is not None)
    @rule(is_done=st.booleans())
    def fail_to_write(self, is_done: bool) -> None:
        if is_done:
            self.make_durable()
        self.machine.end_write(is_written=False)
        for offset in self.written_offsets & self.records.keys():
            self.records[offset].said = None
        self.writing = None
        self.wait(0)

    def make_durable(self) -> None:
        assert self.writing is not None
        self.durable = combine(self.durable, self.writing.batches, self.writing.start_offset)
        self.durable_start = self.writing.start_offset

    def is_final_once_written(self, record: Record) -> bool:
        if record.said is None:
            return record.state in (ACKNOWLEDGED, ARCHIVED)
        return record.said is not AcknowledgeType.RELEASE or record.count >= LIMITS.delivery_count

    @rule()
    def crash(self) -> None:
        """The broker starts again, or another one leads."""
        self.machine = SharePartition(self.durable_start, self.durable)
        self.start_seen = self.durable_start
        self.writing = None
        for offset, record in self.records.items():
            self.records[offset] = self.as_durable(offset, record)

    def as_durable(self, offset: int, record: Record) -> Record:
        if offset < self.durable_start:
            return Record(ARCHIVED, record.count)
        for batch in self.durable:
            if batch.first_offset <= offset <= batch.last_offset:
                return Record(batch.delivery_state, batch.delivery_count)
        return Record()

    # What always holds.

    @invariant()
    def the_start_offset_never_goes_back(self) -> None:
        assert self.machine.start_offset >= self.start_seen
        self.start_seen = self.machine.start_offset

    @invariant()
    def everything_before_the_start_offset_has_come_to_its_end(self) -> None:
        for offset, record in self.records.items():
            if offset < self.machine.start_offset and offset not in self.compacted:
                assert record.state in (ACKNOWLEDGED, ARCHIVED), (offset, record)

    @invariant()
    def runs_are_dense(self) -> None:
        position = self.machine.start_offset
        for run in self.machine.runs:
            assert run.first == position <= run.last
            position = run.last + 1
        assert position == self.machine.end_offset

    @invariant()
    def what_is_acknowledged_is_durable(self) -> None:
        for offset in self.promised & self.records.keys():
            durable = self.as_durable(offset, Record())
            assert durable.state in (ACKNOWLEDGED, ARCHIVED), (offset, durable)

    def teardown(self) -> None:
        """Everything that is left is delivered, or has been often enough."""
        if self.writing is not None:
            self.write()
        self.wait(LOCK_MS)
        for _ in range(200):
            self.machine.move_log_start(self.log_start)
            wanted = Acquisition("zoe", 100, 100)
            if self.machine.fetch_offset >= self.log_end and not self.machine.runs:
                break
            for row in self.machine.acquire(self.reading(10), wanted, LIMITS, self.now_ms):
                said = Acknowledgement(row.first_offset, row.last_offset, (AcknowledgeType.ACCEPT,))
                for offset in range(row.first_offset, row.last_offset + 1):
                    self.deliver(offset, "zoe", row.delivery_count)
                    self.records[offset].said = AcknowledgeType.ACCEPT
                self.machine.acknowledge("zoe", [said], LIMITS, self.now_ms)
            if self.machine.has_unwritten:
                self.begin_write()
                self.write()
        for offset in self.records.keys() - self.compacted:
            assert self.records[offset].state in (ACKNOWLEDGED, ARCHIVED), offset


TestSharePartitionMachine = SharePartitionMachine.TestCase
TestSharePartitionMachine.settings = settings(
    max_examples=3000, stateful_step_count=60, deadline=None
)
