"""Checked by mypy, not run: what a user writes has precise types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_type

import flowlog as fl


@dataclass
class Click:
    page: str
    user: int


@dataclass
class Stats:
    n: int = 0


app = fl.App("typed")
names = app.topic("names", value=str)
assert_type(names, fl.Topic[str, str])
clicks = app.topic("clicks", key=int, value=Click)


@app.stream(names, to=app.topic("greetings", value=str))
def greet(name: str) -> str:
    return f"hello {name}"


assert_type(greet("x"), str | type[fl.Tombstone] | None)  # what any step may return
greetings: fl.Stream[str, str] = greet


@app.stream(names)
def words(line: str) -> Iterator[str]:
    yield from line.split()


counts = words.group_by(lambda w: w, name="by-word").count(name="counts")
assert_type(counts, fl.Table[str, int])
counts.to(app.topic("totals", value=int))


@app.stream(clicks)
async def score(click: Click) -> float | None:
    return None


scores: fl.Stream[int, float] = score


@app.stream(clicks)
def by_page(click: Click, ctx: fl.Ctx) -> fl.Rec[str, int]:
    return fl.rec(click.user, key=click.page)


rekeyed: fl.Stream[str, int] = by_page


@app.table(clicks, by=lambda c: c.page, window=fl.tumbling("1m", grace="10s"), emit="close")
def page_stats(stats: Stats, click: Click) -> Stats:
    stats.n += 1
    return stats


windowed: fl.WindowedTable[str, Stats] = page_stats
page_stats.to(app.topic("page-stats", key=fl.Windowed[str], value=Stats))
assert_type(page_stats(Stats(), Click("/", 1)), Stats)

users = app.table("users", value=Stats)
assert_type(users, fl.Table[str, Stats])


async def ask() -> None:
    assert_type(await counts.get("x"), int | None)
    for window in await page_stats.windows("/home", since="-1h"):
        assert_type(window.value, Stats)
        assert_type(window.start, int)


def test() -> None:
    with app.test() as t:
        t.send(clicks, Click("/", 1), key=7)
        [record] = t.read(clicks)
        assert_type(record.key, int)
        assert_type(record.value, Click)
        assert_type(t.table(counts)["x"], int)
        assert_type(t.windows(page_stats, "/")[0].value, Stats)
