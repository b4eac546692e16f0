"""What a share group keeps when its broker starts again, and when its state is set anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker
from flowlog.broker.share.persister import SharePartitionKey, ShareStateUpdate
from flowlog.broker.share.state.coordinator import ShareStateCoordinator
from flowlog.errors import KafkaError

from .member import ACCEPT, GROUP, RELEASE, Jobs, jobs_again, jobs_in, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def jobs(broker: Broker) -> AsyncIterator[Jobs]:
    async with jobs_in(broker) as jobs:
        yield jobs


def states(jobs: Jobs) -> ShareStateCoordinator:
    found: ShareStateCoordinator = jobs.broker._server._coordinators.share_states
    return found


async def start_offset(jobs: Jobs) -> int:
    key = SharePartitionKey(GROUP, jobs.topic_id, 0)
    return (await states(jobs).summary(key, leader_epoch=-1)).start_offset


async def test_what_was_acknowledged_stays_so_and_deliveries_are_counted_on(
    tmp_path: Path,
) -> None:
    async with Broker(data_dir=tmp_path) as broker, jobs_in(broker) as jobs:
        anna = await jobs.member()
        jobs.write(b"a", b"b", b"c", b"d")
        await anna.fetch()
        assert await anna.say((1, 1, ACCEPT), (2, 2, RELEASE)) == 0
    async with Broker(data_dir=tmp_path) as broker, jobs_again(broker, jobs) as jobs:
        bert = await jobs.member()
        assert (await bert.fetch()).acquired == [(0, 0, 1), (2, 2, 2), (3, 3, 1)]


async def test_a_group_that_begins_at_the_end_does_not_lose_what_comes_while_it_is_away(
    tmp_path: Path,
) -> None:
    async with Broker(data_dir=tmp_path) as broker, jobs_in(broker) as jobs:
        await jobs.configure(share_auto_offset_reset="latest")
        jobs.write(b"before")
        anna = await jobs.member()
        assert (await anna.fetch()).offsets == []
    async with Broker(data_dir=tmp_path) as broker, jobs_again(broker, jobs) as jobs:
        jobs.write(b"after")
        bert = await jobs.member()
        assert (await bert.fetch()).acquired == [(1, 1, 1)]


async def test_a_group_may_begin_some_time_ago(jobs: Jobs) -> None:
    await jobs.configure(share_auto_offset_reset="by_duration:PT1H")
    hour_ms = 3_600_000
    jobs.write(b"old", at_ms=jobs.now_ms - 2 * hour_ms)
    jobs.write(b"new", at_ms=jobs.now_ms - hour_ms // 2)
    anna = await jobs.member()
    assert (await anna.fetch()).offsets == [1]


async def test_the_start_offset_that_is_told_is_the_first_record_that_needs_delivery(
    jobs: Jobs,
) -> None:
    anna = await jobs.member()
    jobs.write(b"a", b"b", b"c")
    await anna.fetch()
    assert await start_offset(jobs) == 0
    await anna.say((1, 1, ACCEPT))
    assert await start_offset(jobs) == 0
    await anna.say((0, 0, ACCEPT))
    assert await start_offset(jobs) == 2


async def test_records_that_run_out_of_deliveries_are_written_off(jobs: Jobs) -> None:
    await jobs.configure(share_delivery_count_limit="2")
    anna = await jobs.member()
    jobs.write(b"a")
    await anna.fetch()
    await anna.fetch((0, 0, RELEASE))
    await anna.acknowledge(epoch=-1)
    await wait_for_start_offset(jobs, 1)


async def wait_for_start_offset(jobs: Jobs, offset: int) -> None:
    with anyio.fail_after(10):
        while True:
            if await start_offset(jobs) == offset:
                return
            await anyio.sleep(0.01)


async def test_a_state_that_is_set_anew_is_gone_on_from(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a", b"b", b"c")
    await anna.fetch()
    key = SharePartitionKey(GROUP, jobs.topic_id, 0)
    await states(jobs).initialize(key, state_epoch=9, start_offset=1)
    refused = await anna.say((0, 0, ACCEPT))
    assert refused == ErrorCode.unknown_topic_or_partition
    assert (await anna.fetch()).acquired == [(1, 2, 1)]
    assert await anna.say((1, 2, ACCEPT)) == 0


async def test_a_leader_that_is_fenced_answers_so_and_reads_again(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a", b"b")
    await anna.fetch()
    key = SharePartitionKey(GROUP, jobs.topic_id, 0)
    epoch = jobs.partition.leader_epoch
    await states(jobs).write(key, ShareStateUpdate(-1, epoch + 1, 1))
    assert await anna.say((0, 1, ACCEPT)) == ErrorCode.not_leader_or_follower
    jobs.partition.leader_epoch += 1
    assert (await anna.fetch()).acquired == [(1, 1, 1)]


async def test_what_cannot_be_written_is_refused_and_still_held(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a")
    await anna.fetch()

    async def write(*args: object) -> None:
        raise KafkaError(ErrorCode.kafka_storage_error)

    with monkeypatch.context() as patch:
        patch.setattr(ShareStateCoordinator, "write", write)
        assert await anna.say((0, 0, ACCEPT)) == ErrorCode.kafka_storage_error
    assert (await bert.fetch()).offsets == []
    assert await anna.say((0, 0, ACCEPT)) == 0
    assert await start_offset(jobs) == 1


async def test_a_topic_that_is_deleted_is_not_served_any_more(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a")
    await anna.fetch()
    await jobs.delete_topic()
    await until(lambda: not jobs.shares._live)
    assert (await anna.fetch()).error == ErrorCode.unknown_topic_id
    assert await anna.say((0, 0, ACCEPT)) == ErrorCode.unknown_topic_id


async def test_a_group_without_a_state_hears_so(jobs: Jobs) -> None:
    anna = await jobs.member()
    await states(jobs).delete(SharePartitionKey(GROUP, jobs.topic_id, 0))
    assert (await anna.fetch()).error == ErrorCode.invalid_request
