"""Share sessions over a socket: their epochs, their end, and what becomes of what a member held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker
from flowlog.broker.wire import messages

from .member import ACCEPT, Jobs, Member, jobs_in, until

pytestmark = pytest.mark.anyio

FINAL = -1


@pytest.fixture
async def jobs(broker: Broker) -> AsyncIterator[Jobs]:
    async with jobs_in(broker) as jobs:
        yield jobs


async def test_epochs_ascend_and_others_are_refused(jobs: Jobs) -> None:
    anna = await jobs.member()
    assert (await anna.fetch(epoch=1)).response.error_code == ErrorCode.share_session_not_found
    await anna.fetch()
    wrong = await anna.fetch(epoch=2)
    assert wrong.response.error_code == ErrorCode.invalid_share_session_epoch
    await anna.fetch()
    assert (await anna.acknowledge(epoch=2)).error_code == 0
    assert (await anna.fetch(epoch=3)).response.error_code == 0


async def test_an_acknowledgement_cannot_open_a_session(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a")
    refused = await anna.acknowledge(epoch=0)
    assert refused.error_code == ErrorCode.invalid_share_session_epoch
    assert (await anna.acknowledge(epoch=1)).error_code == ErrorCode.share_session_not_found
    refused = await anna.acknowledge(epoch=FINAL)
    assert refused.error_code == ErrorCode.share_session_not_found
    first = await anna.fetch((0, 0, ACCEPT))
    assert first.response.error_code == ErrorCode.invalid_request


async def test_a_session_remembers_its_partitions(jobs: Jobs) -> None:
    anna = await jobs.member()
    await anna.fetch()
    jobs.write(b"a")
    assert (await anna.fetch(topics=())).offsets == [0]


async def test_partitions_can_be_forgotten(jobs: Jobs) -> None:
    anna = await jobs.member()
    await anna.fetch()
    jobs.write(b"a")
    m = messages.share_fetch.request
    forgotten = m.ForgottenTopic(topic_id=jobs.topic_id, partitions=(0,))
    found = await anna.fetch(topics=(), forgotten_topics_data=(forgotten,))
    assert found.offsets == []


@pytest.mark.parametrize("by_fetch", [True, False], ids=["ShareFetch", "ShareAcknowledge"])
async def test_the_last_request_acknowledges_and_releases_the_rest(
    jobs: Jobs, by_fetch: bool
) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a", b"b", b"c")
    await anna.fetch()
    if by_fetch:
        last = await anna.fetch((0, 0, ACCEPT), epoch=FINAL)
        assert (last.error, last.refused, last.offsets) == (0, 0, [])
    else:
        assert (await anna.acknowledge((0, 0, ACCEPT), epoch=FINAL)).error_code == 0
    assert (await bert.fetch()).acquired == [(1, 2, 2)]
    assert (await anna.fetch(epoch=1)).response.error_code == ErrorCode.share_session_not_found


async def test_a_lost_connection_releases_what_its_member_held(jobs: Jobs) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a")
    await anna.fetch()
    await bert.fetch()
    await anna.client.stream.aclose()
    with anyio.fail_after(10):
        assert (await bert.fetch(max_wait_ms=60_000)).acquired == [(0, 0, 2)]


async def test_a_member_whose_connection_is_lost_while_it_waits_is_given_nothing(
    jobs: Jobs,
) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    await bert.fetch()
    await anna.fetch()
    live = next(iter(jobs.shares._live.values()))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(anna.fetch, max_wait_ms=60_000))
        await until(lambda: bool(live._waiters))
        tasks.cancel_scope.cancel()
    await anna.client.stream.aclose()
    await until(lambda: len(jobs.shares.sessions) == 1)
    jobs.write(b"a")
    assert (await bert.fetch()).acquired == [(0, 0, 1)]


async def test_a_member_that_is_not_heard_of_holds_nothing(jobs: Jobs) -> None:
    anna, bert = await jobs.member(), await jobs.member()
    jobs.write(b"a")
    await anna.fetch()
    jobs.shares.member_lost("workers", anna.member_id)
    assert (await bert.fetch()).acquired == [(0, 0, 2)]
    assert (await anna.fetch()).response.error_code == ErrorCode.share_session_not_found


async def test_there_are_no_more_sessions_than_the_limit() -> None:
    properties = {"group.share.max.share.sessions": "1"}
    async with Broker(properties=properties) as broker, jobs_in(broker) as jobs:
        anna, bert = await jobs.member(), await jobs.member()
        await anna.fetch()
        refused = await bert.fetch(max_wait_ms=10)
        assert refused.response.error_code == ErrorCode.share_session_limit_reached
        again = Member(anna.client, jobs.topic_id, anna.member_id)
        assert (await again.fetch()).response.error_code == 0
        await again.fetch(epoch=FINAL)
        assert (await bert.fetch()).response.error_code == 0


@pytest.mark.parametrize("member_id", ["", "m" * 37])
async def test_a_member_has_a_name_of_at_most_36_letters(jobs: Jobs, member_id: str) -> None:
    anna = await jobs.member()
    anna.member_id = member_id
    assert (await anna.fetch()).response.error_code == ErrorCode.invalid_request
    assert (await anna.acknowledge()).error_code == ErrorCode.invalid_request


async def test_a_partition_that_is_not_there_fails_alone(jobs: Jobs) -> None:
    anna = await jobs.member()
    jobs.write(b"a")
    missing = await anna.fetch(partition=7)
    assert missing.error == ErrorCode.unknown_topic_or_partition
