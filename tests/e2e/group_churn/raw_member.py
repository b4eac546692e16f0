"""A member that sends raw requests: what both protocols have in common."""

from __future__ import annotations

import time
from typing import Any

import anyio
from kio.schema.errors import ErrorCode

from tests.broker.raw_client import RawClient
from tests.e2e.group_churn.member import Group


class LostMembershipError(Exception):
    """The coordinator does not know the member any more, or will soon; it starts anew."""


class RawMember:
    """Subclasses join, and heartbeat until something is to be done."""

    def __init__(self, group: Group, name: str) -> None:
        self.group = group
        self.name = name
        self._leaves = anyio.Event()
        self._ended = anyio.Event()
        self._life = anyio.CancelScope()
        self._client: RawClient

    async def run(self) -> None:
        with self._life:
            async with await RawClient.connect(self.group.bootstrap) as self._client:
                while not self._leaves.is_set():
                    try:
                        await self._join()
                        await self._work()
                    except LostMembershipError:
                        self.group.ledger.gone(self.name)
                self.group.ledger.gone(self.name)
                await self._goodbye()
        self._ended.set()

    async def leave(self) -> None:
        self._leaves.set()
        await self._ended.wait()

    async def die(self) -> None:
        self.group.ledger.gone(self.name)
        self._life.cancel()
        await self._ended.wait()

    async def _work(self) -> None:
        """Heartbeat until it leaves."""
        while not self._leaves.is_set():
            with anyio.move_on_after(self.group.heartbeat_s):
                await self._leaves.wait()
                return
            await self._beat()

    async def _call(self, api_key: int, version: int, request: Any) -> Any:
        """Ask; what is answered renews the session, counted from when it was asked."""
        asked = time.monotonic()
        response = await self._client.call(api_key, version, request)
        if response.error_code is ErrorCode.none:
            until = asked + self.group.session_timeout_s
            self.group.ledger.heard(self.name, lives_until=until)
        return response

    async def _join(self) -> None:
        raise NotImplementedError

    async def _beat(self) -> None:
        raise NotImplementedError

    async def _goodbye(self) -> None:
        raise NotImplementedError
