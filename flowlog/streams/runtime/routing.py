"""Questions that other workers answer: the owner's HTTP API is asked once."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from flowlog.streams.errors import NotHereError
from flowlog.streams.serdes.serde import Serde

from .answers import Answer, WindowAnswer
from .json_values import key_to_text, value_from_json
from .queries import LocalTables

if TYPE_CHECKING:
    from .worker import Worker

TIMEOUT_S: Final = 5.0
FORWARDED: Final = "x-flowlog-forwarded"


class RoutedTables(LocalTables):
    """Local answers first, else the owner's."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._worker = worker

    async def get(self, table: str, key: bytes) -> Answer | None:
        try:
            return self.local_get(table, key)
        except NotHereError as error:
            found = await self._ask_owner(error, table, key, "")
        if found is None:
            return None
        _, node = self.node(table)
        return Answer(value_from_json(node.state_serde, found["value"]), found["timestamp"])

    async def windows(self, table: str, key: bytes, since_ms: int) -> list[WindowAnswer]:
        try:
            return self.local_windows(table, key, since_ms)
        except NotHereError as error:
            found = await self._ask_owner(error, table, key, f"?since={since_ms}")
        _, node = self.node(table)
        return [
            WindowAnswer(
                row["start"],
                row["end"],
                value_from_json(node.state_serde, row["value"]),
                row["timestamp"],
                row["closed"],
            )
            for row in (found or {"windows": []})["windows"]
        ]

    async def _ask_owner(self, error: NotHereError, table: str, key: bytes, query: str) -> Any:
        if not error.owner or error.owner == self._worker.own_address:
            raise error
        import anyio.to_thread

        _, node = self.node(table)
        path = table_path(table, node.state_key_serde, key) + query
        status, body = await anyio.to_thread.run_sync(fetch, error.owner, path)
        if status == 404:
            return None
        if status != 200:
            raise NotHereError(f"{error.owner} answered {status}", owner=error.owner)
        return json.loads(body)


def table_path(table: str, key_serde: Serde[Any], key: bytes) -> str:
    """The path of a key's entry."""
    text = key_to_text(key_serde, key)
    return f"/v1/tables/{quote(table, safe='')}/{quote(text, safe='')}"


def fetch(address: str, path: str) -> tuple[int, bytes]:
    """Ask another worker, once; 503 if it does not answer."""
    host, _, port = address.rpartition(":")
    connection = HTTPConnection(host.strip("[]"), int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={FORWARDED: "1"})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException) as error:
        return 503, msgspec.json.encode({"error": f"{address} does not answer: {error}"})
    finally:
        connection.close()
