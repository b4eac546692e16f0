"""Asking a worker for its tables over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]

ANSWERS: dict[str, tuple[int, Any]] = {
    "/v1/tables": (
        200,
        {"tables": [{"name": "counts", "partitions": [0, 2], "partition_count": 4}]},
    ),
    "/v1/tables/counts/a%20b%2F%C3%A9": (200, {"key": "a b/é", "value": 3, "partition": 0}),
    "/v1/tables/counts/a?since=-1h": (200, {"key": "a", "windows": []}),
    "/v1/tables/counts?prefix=a&limit=2": (
        200,
        {"entries": [{"key": "a", "value": 1}, {"key": "ab", "value": 2}]},
    ),
    "/v1/tables/counts/moving": (503, {"error": "partition 3 is moving"}),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS.get(self.path, (404, {"error": f"nothing at {self.path}"}))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def http() -> Iterator[str]:
    """A stand-in for a worker's server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_stores_are_a_table(run: Run, http: str) -> None:
    assert run("state", "stores", "--http", http) == (
        0,
        "name    partitions  partition count\ncounts  0,2                       4\n",
        "",
    )


def test_get_prints_the_answer_for_any_key(run: Run, http: str) -> None:
    code, out, _err = run("state", "get", "counts", "a b/é", "--http", http)
    assert (code, out) == (0, '{"key": "a b/é", "value": 3, "partition": 0}\n')


def test_get_passes_the_time_on(run: Run, http: str) -> None:
    code, out, _err = run("state", "get", "counts", "a", "--since", "-1h", "--http", http)
    assert (code, json.loads(out)) == (0, {"key": "a", "windows": []})


def test_scan_prints_a_line_per_entry(run: Run, http: str) -> None:
    code, out, err = run("state", "scan", "counts", "--prefix", "a", "--limit", "2", "--http", http)
    assert err == "partitions 0, 2 of 4; other workers have the rest\n"
    assert (code, out) == (0, '{"key": "a", "value": 1}\n{"key": "ab", "value": 2}\n')


def test_what_the_worker_refuses_is_an_error(run: Run, http: str) -> None:
    code, out, err = run("state", "get", "counts", "absent", "--http", http)
    assert (code, out) == (1, "")
    assert err.startswith("error[NOT_FOUND]: nothing at /v1/tables/counts/absent\n")
    code, _out, err = run("state", "get", "counts", "moving", "--http", http)
    assert code == 1
    assert err.startswith("error[NOT_READY]: partition 3 is moving\nhint: ")


def test_no_worker_is_exit_code_3(run: Run) -> None:
    code, _out, err = run("state", "stores", "--http", "127.0.0.1:1")
    assert code == 3
    assert err.startswith("error[CANNOT_CONNECT]: cannot connect to 127.0.0.1:1: ")
