from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypedDict

import pytest

from flowlog.streams.records import UNSET
from flowlog.streams.serdes.probe import key_type_of


@dataclass
class User:
    id: int


@dataclass
class Click:
    page: str
    ms: int
    user: User
    at: datetime

    @property
    def route(self) -> str:
        return f"{self.page}-{self.ms}"


class Row(TypedDict):
    name: str
    count: int


@pytest.mark.parametrize(
    ("argument", "function", "key_type"),
    [
        (str, lambda w: w, str),
        (str, lambda w: w.lower().split()[0], str),
        (Click, lambda c: c.page, str),
        (Click, lambda c: c.ms, int),
        (Click, lambda c: c.ms // 100, int),
        (Click, lambda c: c.user.id, int),
        (Click, lambda c: c.user, User),
        (Click, lambda c: c.route, str),
        (Click, lambda c: f"{c.page}/{c.ms}", str),
        (Click, lambda c: (c.page, c.user.id), tuple[str, int]),
        (Click, lambda c: c.at.date(), date),
        (Click, lambda c: c.at.date().isoformat(), str),
        (Row, lambda r: r["count"], int),
        (tuple[str, int], lambda t: t[1], int),
        (dict[str, int], lambda d: d["x"], int),
    ],
)
def test_a_key_functions_type_is_told_from_its_argument(
    argument: Any, function: Callable[[Any], Any], key_type: Any
) -> None:
    assert key_type_of(function, argument) == key_type


@pytest.mark.parametrize(
    "function", [lambda c: c.nothing, lambda c: c.user + 1, lambda c: None, lambda c: [c.page]]
)
def test_where_it_cannot_be_told_it_is_not_guessed(function: Callable[[Any], Any]) -> None:
    assert key_type_of(function, Click) is UNSET
