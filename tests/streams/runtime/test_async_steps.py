from __future__ import annotations

import asyncio

import pytest

from flowlog.streams.runtime.async_steps import AsyncRunner, may_suspend, run_at_once


async def waits(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def never_waits(value: int) -> int:
    return value


def test_a_function_without_an_await_never_suspends() -> None:
    assert may_suspend(waits)
    assert not may_suspend(never_waits)
    assert run_at_once(never_waits, [(None, (1,)), (b"k", (2,))]) == [1, 2]


def test_exceptions_stand_in_the_place_of_results() -> None:
    async def fails(value: int) -> int:
        await asyncio.sleep(0)
        if value == 2:
            raise ValueError(value)
        return value

    runner = AsyncRunner()
    try:
        results = runner.run(
            fails, [(None, (n,)) for n in (1, 2, 3)], concurrency=2, ordered="none"
        )
    finally:
        runner.close()
    assert results[0::2] == [1, 3]
    assert isinstance(results[1], ValueError)


@pytest.mark.parametrize("concurrency", [1, 4, 100])
def test_calls_of_one_key_run_one_after_the_other(concurrency: int) -> None:
    running: set[bytes] = set()

    async def alone(key: bytes, value: int) -> int:
        assert key not in running
        running.add(key)
        await asyncio.sleep(0.001)
        running.remove(key)
        return value

    calls = [(b"k%d" % (n % 3), (b"k%d" % (n % 3), n)) for n in range(12)]
    runner = AsyncRunner()
    try:
        results = runner.run(alone, calls, concurrency=concurrency, ordered="key")
    finally:
        runner.close()
    assert results == list(range(12))
