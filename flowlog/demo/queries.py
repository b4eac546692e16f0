"""Questions to the app's worker over HTTP: counts per airport, worst routes, hours still open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

import msgspec

from .board import Hour
from .flights import Delays, RouteDay, WorstRoutes

TIMEOUT_S: Final = 5.0


class Queries:
    """A worker's tables. Where it cannot answer just now (503, restart), answers are None."""

    def __init__(self, http: str) -> None:
        """`http` is HOST:PORT, with or without `http://`."""
        self._base = f"http://{http.removeprefix('http://').rstrip('/')}/v1/tables"
        self._opener = build_opener(ProxyHandler({}))  # the worker is asked directly

    def airport_departures(self, airports: Iterable[str]) -> dict[str, int] | None:
        """Departures by airport; airports without any are left out."""
        counts = {}
        for airport in airports:
            answer = self._ask("airport-departures", airport)
            if answer is None:
                return None
            if answer.get("value") is not None:
                counts[airport] = int(answer["value"])
        return counts

    def worst_routes(self, day: str) -> list[RouteDay] | None:
        """The day's worst routes so far; none while no route of the day is closed."""
        answer = self._ask("worst-routes", day)
        if answer is None:
            return None
        value = answer.get("value")
        return [] if value is None else msgspec.convert(value, WorstRoutes).routes

    def open_hours(self, carriers: Iterable[str]) -> dict[Hour, Delays] | None:
        """The carriers' hours that wait for more reports."""
        hours = {}
        for carrier in carriers:
            answer = self._ask("carrier-hours", carrier, {"since": "0"})
            if answer is None:
                return None
            for window in answer.get("windows", ()):
                if not window["closed"]:
                    delays = msgspec.convert(window["value"], Delays)
                    hours[carrier, int(window["start"])] = delays
        return hours

    def _ask(
        self, table: str, key: str, query: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        url = f"{self._base}/{table}/{quote(key, safe='')}"
        try:
            with self._opener.open(
                f"{url}?{urlencode(query)}" if query else url, timeout=TIMEOUT_S
            ) as response:
                answer = json.loads(response.read())
        except HTTPError as error:
            if error.code == 404:  # no such key yet
                return {}
            if error.code == 503:
                return None
            raise
        except (URLError, TimeoutError, ConnectionError):
            return None
        assert isinstance(answer, dict), f"{url} answered {answer!r}"
        return answer
