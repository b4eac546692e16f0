"""What a worker answers over HTTP: its tables, its topology, its tasks, its health.

    GET /v1/tables                          the tables, and which partitions are here
    GET /v1/tables/{table}?prefix=&limit=   entries of the partitions that are here
    GET /v1/tables/{table}/{key}?since=     a key's value or windows; asks the owner if that is not us
    GET /v1/topology                        see `topology.describe`
    GET /v1/tasks                           running and restoring tasks
    GET /healthz, /readyz                   200, or 503 with the reason

404: no such table or key. 503 with Retry-After: moving or being restored.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowlog.errors import ConfigError
from flowlog.streams.errors import NotHereError, StateError
from flowlog.streams.state.entry import unpack_value
from flowlog.streams.state.store import prefix_end
from flowlog.streams.topology.nodes import FoldNode, StoreNode
from flowlog.streams.topology.topology import SubTopology
from flowlog.streams.windows.keys import split_store_key

from .answers import since_ms
from .json_values import key_from_text, key_to_text, value_to_json
from .queries import position_of
from .routing import FORWARDED, RoutedTables, fetch
from .task import Task
from .task_set import describe_job

if TYPE_CHECKING:
    from .worker import Worker

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 10_000


def build_asgi(worker: Worker, tables: RoutedTables) -> Starlette:
    """The worker's ASGI application."""
    routes = _Routes(worker, tables)
    return Starlette(
        routes=[
            Route("/v1/tables", routes.list_tables),
            Route("/v1/tables/{table}", routes.scan),
            Route("/v1/tables/{table}/{key:path}", routes.get),
            Route("/v1/topology", routes.topology),
            Route("/v1/tasks", routes.tasks),
            Route("/healthz", routes.health),
            Route("/readyz", routes.ready),
        ]
    )


class _Routes:
    def __init__(self, worker: Worker, tables: RoutedTables) -> None:
        self._worker = worker
        self._tables = tables

    def list_tables(self, _request: Request) -> Response:
        rows = []
        for sub_topology, node in self._worker.topology.stores():
            is_windowed = isinstance(node, FoldNode) and node.window is not None
            rows.append(
                {
                    "name": node.name,
                    "kind": "window" if is_windowed else "key-value",
                    "key": node.state_key_serde.name,
                    "value": node.state_serde.name,
                    "partitions": self._partitions_here(sub_topology),
                    "partition_count": self._worker.partition_count(sub_topology),
                }
            )
        return _json({"tables": rows})

    def scan(self, request: Request) -> Response:
        found = self._worker.topology.store(request.path_params["table"])
        if found is None:
            return _not_found(request)
        prefix = request.query_params.get("prefix", "").encode()
        try:
            limit = min(int(request.query_params.get("limit", LIMIT_DEFAULT)), LIMIT_MAX)
        except ValueError:
            return _json({"error": "limit is not a number"}, 400)
        try:
            rows = list(islice(self._scan_rows(*found, prefix), max(0, limit)))
        except StateError as error:  # given away this very moment
            return _moving(str(error))
        return _json({"table": found[1].name, "entries": rows})

    def get(self, request: Request) -> Response:
        table, text = request.path_params["table"], request.path_params["key"]
        found = self._worker.topology.store(table)
        if found is None:
            return _not_found(request)
        _, node = found
        try:
            key = key_from_text(node.state_key_serde, text)
            since = since_ms(request.query_params.get("since"), self._worker.now_ms())
            answer = self._local_answer(node, key, text, since)
        except NotHereError as error:
            return self._forward(request, error)
        except StateError as error:
            return _moving(str(error))
        except (ValueError, ConfigError) as error:
            return _json({"error": str(error)}, 400)
        if answer is None:
            return _json({"error": f"table {table} has no key {text!r}"}, 404)
        return _json(answer)

    def topology(self, _request: Request) -> Response:
        return _json(self._worker.topology.describe())

    def tasks(self, _request: Request) -> Response:
        tasks = sorted(self._worker.running().values(), key=lambda task: task.id)
        rows = [_describe_task(task) for task in tasks]
        rows += [
            {**describe_job(job), "state": "restoring"}
            for job in self._worker.state.restoring_jobs()
        ]
        return _json({"tasks": rows})

    def health(self, _request: Request) -> Response:
        if self._worker.is_stuck():
            return _json({"status": "stuck", "error": "the task thread is stuck"}, 503)
        return _json({"status": "ok"})

    def ready(self, _request: Request) -> Response:
        reason = self._worker.unready_reason()
        if reason is None:
            return _json({"status": "ready"})
        return _json({"status": "not ready", "error": reason}, 503)

    def _local_answer(
        self, node: StoreNode, key: bytes, text: str, since: int
    ) -> dict[str, Any] | None:
        task = self._tables.task_of(node.name, key)
        where = {
            "partition": task.partition,
            "position": position_of(task),
            "role": "active",
        }
        if isinstance(node, FoldNode) and node.window is not None:
            windows = [
                {
                    "start": window.start_ms,
                    "end": window.end_ms,
                    "value": value_to_json(node.state_serde, window.value),
                    "timestamp": window.timestamp_ms,
                    "closed": window.is_closed,
                }
                for window in self._tables.local_windows(node.name, key, since)
            ]
            return {"key": text, "windows": windows, **where}
        answer = self._tables.local_get(node.name, key)
        if answer is None:
            return None
        value = value_to_json(node.state_serde, answer.value)
        return {"key": text, "value": value, "timestamp": answer.timestamp_ms, **where}

    def _scan_rows(self, sub_topology: SubTopology, node: StoreNode, prefix: bytes) -> Any:
        """Entries in the order of the stores: by key, or by window and key."""
        is_windowed = isinstance(node, FoldNode) and node.window is not None
        for task in sorted(self._worker.running().values(), key=lambda task: task.id):
            if task.sub_topology is not sub_topology:
                continue
            begin, end = (b"", None) if is_windowed else (prefix, prefix_end(prefix))
            for stored_key, stored in task.stores[node.name].scan(begin, end):
                window, key = {}, stored_key
                if isinstance(node, FoldNode) and node.window is not None:
                    start_ms, key = split_store_key(stored_key)
                    if not key.startswith(prefix):
                        continue
                    window = {"start": start_ms, "end": start_ms + node.window.size_ms}
                timestamp_ms, value = unpack_value(stored)
                yield {
                    "key": key_to_text(node.state_key_serde, key),
                    **window,
                    "value": value_to_json(node.state_serde, value),
                    "timestamp": timestamp_ms,
                    "partition": task.partition,
                }

    def _partitions_here(self, sub_topology: SubTopology) -> list[int]:
        running = self._worker.running().values()
        return sorted(task.partition for task in running if task.sub_topology is sub_topology)

    def _forward(self, request: Request, error: NotHereError) -> Response:
        """Ask the owner, once; 503 if it is not known or is said to be us."""
        own = self._worker.own_address
        if not error.owner or error.owner == own or FORWARDED in request.headers:
            return _moving(str(error), error.owner)
        path = request.scope["raw_path"].decode()
        if request.url.query:
            path += f"?{request.url.query}"
        status, body = fetch(error.owner, path)
        return Response(body, status, media_type="application/json")


def _describe_task(task: Task) -> dict[str, Any]:
    return {
        "id": str(task.id),
        "state": "running",
        "position": position_of(task),
        "stores": sorted(task.stores),
        "stream_time": task.stream_time_ms,
        "records": task.record_count,
        "dropped": task.dropped_count,
        "skipped": task.failures.skipped_count,
        "dead_letters": task.failures.dead_letter_count,
    }


def _moving(reason: str, owner: str | None = None) -> Response:
    return _json({"error": reason, "owner": owner}, 503, {"retry-after": "1"})


def _not_found(request: Request) -> Response:
    return _json({"error": f"no table {request.path_params['table']!r}"}, 404)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")
