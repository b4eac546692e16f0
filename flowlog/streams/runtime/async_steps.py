"""Runs `async def` steps: those that never suspend on the spot, the others on an event loop.

The loop lives in a thread of its own, for as long as the worker. Results come back in input order,
so outputs keep it and a commit never passes an unfinished record.
"""

from __future__ import annotations

import asyncio
import dis
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from flowlog.streams.records import UNSET

AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]
Call = tuple[bytes | None, tuple[Any, ...]]
"""The key of the record, for order, and the function's arguments."""

_SUSPENDING: Final = {"GET_AWAITABLE", "GET_AITER", "GET_ANEXT", "BEFORE_ASYNC_WITH", "SEND"}
STOP_WAIT_S: Final = 5.0


def may_suspend(function: AsyncFunction) -> bool:
    """Whether the function's code has an `await`, `async for` or `async with` in it."""
    code = getattr(function, "__code__", None)
    return code is None or any(
        instruction.opname in _SUSPENDING for instruction in dis.get_instructions(code)
    )


def run_at_once(function: AsyncFunction, calls: Sequence[Call]) -> list[Any]:
    """Results or exceptions of calls to a function that never suspends."""
    results: list[Any] = []
    for _, arguments in calls:
        coroutine = function(*arguments)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            results.append(stop.value)
        except Exception as error:
            results.append(error)
        else:
            raise AssertionError(f"{function} suspended without an await")
    return results


class AsyncRunner:
    """An event loop in a thread, started with the first call that needs it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(
        self, function: AsyncFunction, calls: Sequence[Call], *, concurrency: int, ordered: str
    ) -> list[Any]:
        """Results or exceptions, in the order of the calls.

        Args:
            concurrency: how many calls run at a time.
            ordered: "key": one after the other for each key; else all at once.
        """
        loop = self._started()
        batch = _run_all(function, calls, concurrency, by_key=ordered == "key")
        return asyncio.run_coroutine_threadsafe(batch, loop).result()

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_WAIT_S)
            self._loop.close()
            self._loop = self._thread = None

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="flowlog-async-steps", daemon=True
            )
            self._thread.start()
        return self._loop


async def _run_all(
    function: AsyncFunction, calls: Sequence[Call], concurrency: int, *, by_key: bool
) -> list[Any]:
    results: list[Any] = [UNSET] * len(calls)
    queues: dict[Any, list[int]] = {}
    for index, (key, _) in enumerate(calls):
        queues.setdefault(key if by_key else index, []).append(index)
    waiting = iter(queues.values())

    async def work() -> None:
        for queue in waiting:
            for index in queue:
                try:
                    results[index] = await function(*calls[index][1])
                except Exception as error:
                    results[index] = error

    await asyncio.gather(*(work() for _ in range(min(concurrency, len(queues)))))
    return results
