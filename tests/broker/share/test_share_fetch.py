"""ShareFetch and ShareAcknowledge over a socket: who gets which record, and how often."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker

from .member import ACCEPT, GAP, REJECT, RELEASE, RENEW, Jobs, jobs_in

pytestmark = pytest.mark.anyio

LOCK_MS = 400
STATE = int(ErrorCode.invalid_record_state)


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    properties = {
        "group.share.min.record.lock.duration.ms": "1",
        "group.share.record.lock.duration.ms": "60000",
    }
    async with Broker(properties=properties) as broker, jobs_in(broker) as jobs:
        yield jobs


async def test_a_record_goes_to_one_member_and_is_not_delivered_again_once_accepted(
    jobs: Jobs,
) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a", b"b", b"c")
    first = await anna.fetch()
    assert first.acquired == [(0, 2, 1)]
    assert first.values == {0: b"a", 1: b"b", 2: b"c"}
    assert (await bert.fetch()).offsets == []
    assert await anna.say((0, 2, ACCEPT)) == 0
    assert (await bert.fetch()).offsets == []
    jobs.write(b"d")
    assert (await bert.fetch()).acquired == [(3, 3, 1)]


async def test_a_released_record_is_delivered_again_and_counted(jobs: Jobs) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a", b"b", b"c")
    await anna.fetch()
    assert await anna.say((0, 0, ACCEPT), (1, 1, RELEASE), (2, 2, REJECT)) == 0
    assert (await bert.fetch()).acquired == [(1, 1, 2)]


async def test_acknowledgements_ride_on_a_fetch(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a")
    jobs.write(b"b")
    assert (await anna.fetch(max_records=1)).offsets == [0]
    second = await anna.fetch((0, 0, ACCEPT), max_records=1)
    assert (second.refused, second.offsets) == (0, [1])
    third = await anna.fetch((0, 0, ACCEPT), (1, 1, ACCEPT))
    assert third.refused == 0  # what lies before the start offset needs nothing any more
    assert (await anna.fetch((1, 1, ACCEPT))).refused == 0


async def test_who_does_not_hold_a_record_cannot_acknowledge_it(jobs: Jobs) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a", b"b")
    await bert.fetch()
    await anna.fetch()
    assert await anna.say((0, 0, ACCEPT)) == STATE
    assert await bert.say((0, 5, ACCEPT)) == int(ErrorCode.invalid_request)
    assert await bert.say((1, 1, ACCEPT)) == 0
    assert await bert.say((0, 1, ACCEPT)) == STATE  # as a whole
    assert await bert.say((0, 0, ACCEPT)) == 0


@pytest.mark.parametrize(
    ("said", "renew"),
    [
        pytest.param([(1, 0, ACCEPT)], False, id="backwards"),
        pytest.param([(1, 1, ACCEPT), (0, 0, ACCEPT)], False, id="descending"),
        pytest.param([(0, 0, 5)], False, id="unknown type"),
        pytest.param([(0, 0, RENEW)], False, id="renewal that is not announced"),
    ],
)
async def test_acknowledgements_that_make_no_sense_are_invalid_requests(
    jobs: Jobs, said: list[tuple[int, int, int]], renew: bool
) -> None:
    anna = await jobs.member()
    jobs.write(b"a", b"b")
    await anna.fetch()
    assert await anna.say(*said, renew=renew) == int(ErrorCode.invalid_request)
    assert await anna.say((0, 1, ACCEPT)) == 0


async def test_a_lock_that_ends_frees_its_records_and_wakes_who_waits(jobs: Jobs) -> None:
    await jobs.configure(share_record_lock_duration_ms=str(LOCK_MS))
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a")
    assert (await anna.fetch()).offsets == [0]
    await bert.fetch()
    with anyio.fail_after(10):
        found = await bert.fetch(max_wait_ms=60_000)
    assert found.acquired == [(0, 0, 2)]
    assert await anna.say((0, 0, ACCEPT)) == STATE


async def test_a_record_is_delivered_as_often_as_the_limit_says(jobs: Jobs) -> None:
    await jobs.configure(share_delivery_count_limit="2")
    anna = await jobs.member()
    jobs.write(b"a")
    assert (await anna.fetch()).acquired == [(0, 0, 1)]
    assert (await anna.fetch((0, 0, RELEASE))).acquired == [(0, 0, 2)]
    assert (await anna.fetch((0, 0, RELEASE))).acquired == []


async def test_new_records_wake_a_fetch_that_waits(jobs: Jobs) -> None:
    anna = await jobs.member()
    await anna.fetch()
    found = []

    async def wait() -> None:
        found.append(await anna.fetch(max_wait_ms=60_000))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            jobs.write(b"a")
    assert found[0].offsets == [0]


async def test_a_release_wakes_a_fetch_that_waits(jobs: Jobs) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a")
    await anna.fetch()
    await bert.fetch()
    found = []

    async def wait() -> None:
        found.append(await bert.fetch(max_wait_ms=60_000))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert await anna.say((0, 0, RELEASE)) == 0
    assert found[0].acquired == [(0, 0, 2)]


async def test_a_fetch_without_records_is_answered_when_its_time_is_over(jobs: Jobs) -> None:
    anna = await jobs.member()
    await anna.fetch()
    with anyio.fail_after(10):
        assert (await anna.fetch(max_wait_ms=50)).offsets == []


async def test_whole_batches_are_delivered_unless_the_limit_is_exact(jobs: Jobs) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(*[b"x"] * 10)
    jobs.write(*[b"y"] * 10)
    jobs.write(*[b"z"] * 10)
    assert (await anna.fetch(max_records=12)).acquired == [(0, 19, 1)]
    assert (await bert.fetch(max_records=3, is_exact=True)).acquired == [(20, 22, 1)]
    rest = await anna.fetch(max_records=100)
    assert rest.acquired == [(23, 29, 1)]
    assert set(rest.values) == set(range(20, 30))  # the bytes of a batch are not cut


async def test_what_is_acquired_is_cut_at_batches_into_pieces_of_the_size_asked_for(
    jobs: Jobs,
) -> None:
    anna = await jobs.member()
    for _ in range(5):
        jobs.write(*[b"x"] * 4)
    found = await anna.fetch(batch_size=7)
    assert found.acquired == [(0, 7, 1), (8, 15, 1), (16, 19, 1)]


async def test_a_partition_takes_no_more_locks_than_the_limit(jobs: Jobs) -> None:
    await jobs.configure(share_partition_max_record_locks="100")
    anna, bert = await jobs.member(), await jobs.member()
    for _ in range(15):
        jobs.write(*[b"x"] * 10)
    assert len((await anna.fetch(max_records=1000)).offsets) == 100
    assert (await bert.fetch()).offsets == []
    assert await anna.say((10, 19, RELEASE)) == 0
    assert (await bert.fetch()).offsets == list(range(10, 20))
    assert await anna.say((0, 9, ACCEPT)) == 0
    assert (await anna.fetch()).offsets == list(range(100, 110))


async def test_a_renewed_lock_lasts_longer(jobs: Jobs) -> None:
    await jobs.configure(share_record_lock_duration_ms=str(LOCK_MS))
    anna, bert, cleo = [await jobs.member() for _ in range(3)]
    jobs.write(b"a", b"b")
    await anna.fetch(max_records=1, is_exact=True)
    await bert.fetch(max_records=1, is_exact=True)
    await jobs.configure(share_record_lock_duration_ms="60000")
    assert await anna.say((0, 0, RENEW), renew=True) == 0
    await cleo.fetch()
    with anyio.fail_after(10):
        assert (await cleo.fetch(max_wait_ms=60_000)).acquired == [(1, 1, 2)]
    assert await bert.say((1, 1, ACCEPT)) == STATE
    assert await anna.say((0, 0, ACCEPT)) == 0


async def test_a_renewal_can_be_forbidden_and_brings_no_records(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a")
    jobs.write(b"b")
    await anna.fetch(max_records=1)
    nothing = {"max_records": 0, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 0}
    found = await anna.fetch((0, 0, RENEW), is_renew_ack=True, **nothing)
    assert (found.error, found.refused, found.offsets) == (0, 0, [])
    refused = await anna.fetch((0, 0, RENEW), is_renew_ack=True, epoch=anna.epoch)
    assert refused.response.error_code == ErrorCode.invalid_request
    await jobs.configure(share_renew_acknowledge_enable="false")
    assert await anna.say((0, 0, RENEW), renew=True) == STATE


async def test_gaps_are_records_that_need_no_delivery(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a", b"b")
    await anna.fetch()
    assert await anna.say((0, 1, GAP)) == 0
    assert (await anna.fetch()).offsets == []


async def test_what_retention_deletes_is_not_waited_for(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a", b"b")
    jobs.write(b"c", b"d")
    await anna.fetch(max_records=1)
    jobs.partition.log.delete_records_before(3)
    assert (await anna.fetch()).acquired == [(3, 3, 1)]
    assert await anna.say((0, 1, ACCEPT)) == 0
    assert await anna.say((3, 3, ACCEPT)) == 0


@pytest.mark.parametrize(
    ("level", "offsets"),
    [
        pytest.param("read_uncommitted", [0, 1, 3, 4], id="everything but the markers"),
        pytest.param("read_committed", [3, 4], id="committed: the aborted ones are no records"),
    ],
)
async def test_transactions(jobs: Jobs, level: str, offsets: list[int]) -> None:
    await jobs.configure(share_isolation_level=level)
    anna = await jobs.member()
    for committed in (False, True):
        first = 0 if not committed else 2
        jobs.write(
            b"x",
            b"y",
            producer_id=7,
            producer_epoch=0,
            base_sequence=first,
            is_transactional=True,
        )
        if level == "read_committed":
            assert (await anna.fetch()).offsets == []
        jobs.partition.append_marker(
            producer_id=7,
            producer_epoch=0,
            committed=committed,
            coordinator_epoch=0,
            transaction_version=1,
            now_ms=0,
        )
    assert (await anna.fetch()).offsets == offsets
    live = next(iter(jobs.shares._live.values()))
    for offset in offsets:
        assert await anna.say((offset, offset, ACCEPT)) == 0
    assert live.machine.start_offset == jobs.partition.log.log_end_offset
