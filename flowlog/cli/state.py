"""`flowlog state`: look into a running app's tables, through its worker's HTTP API."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

import click

from flowlog.errors import FlowlogError

from . import options
from .commands import Group, LocalCommand
from .output import Column, emit

_ANSWER_LIMIT_BYTES = 256 * 1024 * 1024

http_option = click.option(
    "--http",
    default="127.0.0.1:6066",
    show_default=True,
    envvar="FLOWLOG_HTTP",
    metavar="HOST:PORT",
    help="A worker of the app.",
)


class StateGroup(Group):
    """Its commands ask a worker, not a broker."""

    command_class = LocalCommand


@click.group("state", cls=StateGroup)
def command() -> None:
    """Look into a running app's tables."""


@command.command("stores")
@http_option
def stores_command(http: str) -> None:
    """List the tables."""
    chosen = options.current()
    rows = table_rows(ask(http, "/v1/tables", timeout_s=chosen.timeout_s or 10))
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [Column(name, _kind([row.get(name) for row in rows])) for name in names]
    emit(
        chosen,
        columns or [Column("name")],
        [{name: row.get(name) for name in names} for row in rows],
    )


@command.command("get")
@click.argument("table")
@click.argument("key")
@click.option(
    "--since", metavar="TIME", help="Of a windowed table: windows from -1h, or a time, on."
)
@http_option
def get_command(table: str, key: str, since: str | None, http: str) -> None:
    """Print what TABLE holds for KEY, as JSON."""
    chosen = options.current()
    query = {} if since is None else {"since": since}
    path = f"/v1/tables/{quote(table, safe='')}/{quote(key, safe='')}"
    answer = ask(http, path, query, timeout_s=chosen.timeout_s or 10)
    indent = 2 if chosen.output == "json" else None
    print(json.dumps(answer, ensure_ascii=False, indent=indent))


@command.command("scan")
@click.argument("table")
@click.option("--prefix", default="", help="Only keys that begin with this.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many."
)
@http_option
def scan_command(table: str, prefix: str, limit: int, http: str) -> None:
    """Print the entries of TABLE, one JSON object a line."""
    chosen = options.current()
    query = {"prefix": prefix, "limit": str(limit)}
    answer = ask(
        http, f"/v1/tables/{quote(table, safe='')}", query, timeout_s=chosen.timeout_s or 10
    )
    entries = table_rows(answer)
    if chosen.output == "json":
        print(json.dumps(entries, ensure_ascii=False, indent=2))
    else:
        for entry in entries:
            sys.stdout.write(json.dumps(entry, ensure_ascii=False) + "\n")
    _say_what_is_missing(chosen, table, http)


def _say_what_is_missing(chosen: options.Options, table: str, http: str) -> None:
    """A worker scans only the partitions that it has; say so where there are others."""
    rows = table_rows(ask(http, "/v1/tables", timeout_s=chosen.timeout_s or 10))
    for row in rows:
        here, count = row.get("partitions"), row.get("partition_count")
        if row.get("name") != table or not isinstance(here, list) or not isinstance(count, int):
            continue
        if len(here) < count:
            numbers = ", ".join(str(number) for number in here) or "none"
            chosen.note(f"partitions {numbers} of {count}; other workers have the rest")


def table_rows(answer: Any) -> list[dict[str, Any]]:
    """The entries of an answer: itself if a list, else its one list."""
    if isinstance(answer, Mapping):
        lists = [value for value in answer.values() if isinstance(value, list)]
        answer = lists[0] if len(lists) == 1 else [answer]
    return [row if isinstance(row, dict) else {"name": row} for row in answer]


def ask(http: str, path: str, query: Mapping[str, str] | None = None, *, timeout_s: float) -> Any:
    """The worker's JSON answer.

    Raises:
        FlowlogError: CANNOT_CONNECT, TIMED_OUT, NOT_FOUND, or what the worker says.
    """
    address = http.removeprefix("http://").rstrip("/")
    url = f"http://{address}{path}{'?' + urlencode(query) if query else ''}"
    opener = build_opener(ProxyHandler({}))  # a worker is asked directly, whatever the proxy
    try:
        with opener.open(url, timeout=timeout_s) as response:
            return json.loads(response.read(_ANSWER_LIMIT_BYTES))
    except HTTPError as error:
        raise _refused(error, address) from None
    except TimeoutError:
        raise FlowlogError(f"no answer from {address}", code="TIMED_OUT") from None
    except URLError as error:
        reason = getattr(error.reason, "strerror", None) or str(error.reason)
        raise FlowlogError(
            f"cannot connect to {address}: {reason.lower()}",
            code="CANNOT_CONNECT",
            hint="is a worker running there? its --http says where it answers",
            try_command="flowlog worker APP",
        ) from None
    except ValueError:
        raise FlowlogError(
            f"{address} did not answer with JSON", code="BAD_ANSWER", hint="is that a worker?"
        ) from None


def _refused(error: HTTPError, address: str) -> FlowlogError:
    body = error.read(65536)
    try:
        fields = json.loads(body)
    except ValueError:
        fields = {}
    text = _first(fields, ("message", "error", "detail")) or f"{address} answered {error.code}"
    if error.code == 404:
        return FlowlogError(text, code="NOT_FOUND", try_command="flowlog state stores")
    if error.code == 503:
        hint = "the app is moving or restoring this table; try again in a moment"
        return FlowlogError(text, code="NOT_READY", hint=hint)
    return FlowlogError(text, code=f"HTTP_{error.code}")


def _first(fields: Any, names: Iterable[str]) -> str:
    if isinstance(fields, Mapping):
        for name in names:
            if isinstance(fields.get(name), str):
                return str(fields[name])
    return ""


def _kind(values: list[Any]) -> str:
    numbers = [value for value in values if value is not None]
    is_numeric = numbers and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in numbers
    )
    return "number" if is_numeric else "text"
