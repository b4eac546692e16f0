"""Tables through `app.test()`: counts, folds, windows, source tables, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import flowlog as fl
from flowlog.errors import ConfigError
from flowlog.streams.errors import TopologyError


@dataclass
class Click:
    page: str
    ms: int
    at: int


@dataclass
class Stats:
    n: int = 0
    slow: int = 0


def click(at: int, page: str = "/home", ms: int = 700) -> Click:
    return Click(page, ms, at)


class PageStats:
    """The example of the documentation."""

    def __init__(self, **options: Any) -> None:
        self.app = app = fl.App("shop")
        self.clicks = app.topic("clicks", value=Click, ts="at")
        options = {"emit": "close", "late": "clicks-late", "idle_close": "30s"} | options

        @app.table(
            self.clicks, by=lambda c: c.page, window=fl.tumbling("1m", grace="10s"), **options
        )
        def page_stats(s: Stats, c: Click) -> Stats:
            s.n += 1
            s.slow += c.ms > 500
            return s

        self.table: fl.WindowedTable[str, Stats] = page_stats
        self.out = app.topic("page-stats-closed", key=fl.Windowed[str], value=Stats)
        self.table.to(self.out)


def test_a_window_closes_once_and_a_late_click_goes_aside() -> None:
    example = PageStats()
    with example.app.test() as t:
        for ms in (0, 59_000):
            t.send(example.clicks, click(ms))
        assert t.read(example.out) == []
        t.send(example.clicks, click(71_000))  # 60_000 <= 71_000 - 10_000
        [out] = t.read(example.out)
        assert (out.key.start, out.value, out.timestamp) == (0, Stats(n=2, slow=2), 59_000)
        assert out.key == fl.Windowed("/home", 0, 60_000)
        t.send(example.clicks, click(5_000))
        [late] = t.read_raw("clicks-late")
        assert (late.key, late.timestamp) == (b"/home", 5_000)
        assert late.value == b'{"page":"/home","ms":700,"at":5000}'
        t.crash()
        t.restart(wipe_state=True)  # rebuilt from the changelog
        t.send(example.clicks, click(131_000))
        [out] = t.read(example.out)
        assert out.value == Stats(n=1, slow=1)


def test_an_idle_stream_closes_its_windows_and_stays_closed_after_a_restart() -> None:
    example = PageStats()
    with example.app.test() as t:
        t.send(example.clicks, click(1_000))
        t.advance("29s")
        assert t.read(example.out) == []
        t.advance("1s")
        assert [out.value.n for out in t.read(example.out)] == [1]
        t.crash()
        t.restart()
        t.send(example.clicks, click(2_000))
        assert len(t.read_raw("clicks-late")) == 1
        t.advance("1h")
        assert t.read(example.out) == []


def test_without_idle_close_an_idle_stream_waits() -> None:
    example = PageStats(idle_close=None)
    with example.app.test() as t:
        t.send(example.clicks, click(1_000))
        t.advance("7d")
        assert t.read(example.out) == []


def test_on_update_every_change_is_handed_on() -> None:
    example = PageStats(emit="update", idle_close=None)
    with example.app.test() as t:
        t.send(example.clicks, click(1_000))
        t.send(example.clicks, click(2_000, ms=1))
        with t.one_commit():
            t.send(example.clicks, click(3_000))
            t.send(example.clicks, click(500))
        assert [(out.value.n, out.timestamp) for out in t.read(example.out)] == [
            (1, 1_000),
            (2, 2_000),
            (4, 3_000),
        ]


def test_windows_can_be_asked_for() -> None:
    example = PageStats()
    with example.app.test() as t:
        for at in (0, 61_000, 62_000, 75_000):
            t.send(example.clicks, click(at))
        windows = t.windows(example.table, "/home")
        assert [(w.start, w.end, w.value.n, w.closed) for w in windows] == [
            (0, 60_000, 1, True),
            (60_000, 120_000, 3, False),
        ]
        assert asyncio.run(example.table.windows("/home", since=60_000)) == windows[1:]
        assert t.windows(example.table, "/other") == []


def test_without_late_records_are_dropped_and_counted() -> None:
    example = PageStats(late=None)
    with example.app.test() as t:
        for at in (100_000, 1_000):
            t.send(example.clicks, click(at))
        assert t.windows(example.table, "/home")[0].start == 60_000
        with pytest.raises(Exception, match="no topic"):
            t.read_raw("clicks-late")


# IT/ResetPartitionTimeIntegrationTest
def test_stream_time_is_kept_across_a_restart() -> None:
    example = PageStats()
    with example.app.test() as t:
        t.send(example.clicks, click(200_000))
        t.crash()
        t.restart(wipe_state=True)
        t.send(example.clicks, click(100_000))
        assert len(t.read_raw("clicks-late")) == 1, "stream time is still 200 s"


def word_count() -> tuple[fl.App, fl.Topic[str, str], fl.Table[str, int], fl.Topic[str, int]]:
    app = fl.App("shop")
    lines = app.topic("lines", value=str)

    @app.stream(lines)
    def words(line: str) -> Iterator[str]:
        yield from line.lower().split()

    counts = words.group_by(lambda w: w, name="by-word").count(name="word-counts")
    totals = app.topic("word-totals", value=int)
    counts.to(totals)
    return app, lines, counts, totals


@pytest.mark.parametrize("partitions", [1, 3])
def test_words_are_counted_over_all_partitions(partitions: int) -> None:
    app, lines, counts, totals = word_count()
    with app.test(partitions=partitions) as t:
        t.send(lines, "To be or not")
        t.send(lines, "to be")
        assert dict(t.table(counts).items()) == {"to": 2, "be": 2, "or": 1, "not": 1}
        assert t.table(counts)["to"] == 2
        assert t.table(counts).get("hamlet") is None
        with pytest.raises(KeyError):
            t.table(counts)["hamlet"]
        assert asyncio.run(counts.get("be")) == 2
        assert [word for word, _ in t.table(counts).scan("t")] == ["to"]
        last = {record.key: record.value for record in t.read(totals)}
        assert last == {"to": 2, "be": 2, "or": 1, "not": 1}
        assert {len(t._sandbox.topic(f"shop-{name}")) for name in INTERNAL} == {partitions}


INTERNAL = ("by-word-repartition", "word-counts-changelog")


def test_a_fold_without_by_folds_by_the_records_own_key() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)

    @app.table(numbers, init=lambda: 100)
    def total(state: int, number: int) -> int:
        return state + number

    assert total(1, 2) == 3
    with app.test() as t:
        for key, number in (("a", 1), ("b", 2), ("a", 3), (None, 4)):
            t.send(numbers, number, key=key)
        assert dict(t.table(total).items()) == {"a": 104, "b": 102}
    assert [topic.kind for topic in app.topology().internal_topics] == ["changelog"]


def test_a_fold_may_see_the_record() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)

    @app.table(numbers)
    def seen(state: list[str], number: int, ctx: fl.Ctx) -> list[str]:
        return [*state, f"{ctx.key}:{number}@{ctx.timestamp}"]

    with app.test() as t:
        t.send(numbers, 1, key="a", timestamp=5)
        t.send(numbers, 2, key="a", timestamp=6)
        assert t.table(seen)["a"] == ["a:1@5", "a:2@6"]


def test_a_topic_is_a_table_of_its_latest_values() -> None:
    @dataclass
    class User:
        name: str

    app = fl.App("app")
    users = app.table("users", value=User)
    with app.test() as t:
        t.send_raw("users", b'{"name":"ada"}', key=b"1")
        t.send_raw("users", b'{"name":"bob"}', key=b"2")
        t.send_raw("users", b'{"name":"ada l"}', key=b"1")
        t.send_raw("users", None, key=b"2")
        assert dict(t.table(users).items()) == {"1": User("ada l")}
        t.crash()
        t.restart(wipe_state=True)
        assert dict(t.table(users).items()) == {"1": User("ada l")}
    assert app.topology().internal_topics == (), "the topic itself restores the table"


def test_a_table_feeds_a_table() -> None:
    app, lines, counts, _ = word_count()

    @app.stream(counts)
    def big(count: int) -> int | None:
        return count if count >= 2 else None

    by_count = big.group_by(lambda count: count, name="by-count").count(name="words-of-count")
    with app.test() as t:
        t.send(lines, "a a b b b c")
        assert dict(t.table(by_count).items()) == {2: 1, 3: 1}


def test_closed_windows_can_be_folded_again() -> None:
    example = PageStats(late=None, idle_close=None)

    @dataclass
    class Day:
        pages: list[str] = field(default_factory=list)

    @example.app.table(example.out, by=lambda s: s.n)
    def pages_by_count(day: Day, s: Stats) -> Day:
        day.pages.append(f"{s.n}/{s.slow}")
        return day

    with example.app.test(partitions=2) as t:
        for page in ("/a", "/b", "/a"):
            t.send(example.clicks, click(1_000, page))
        for page in ("/a", "/b"):
            t.send(example.clicks, click(100_000, page))
        assert dict(t.table(pages_by_count).items()) == {1: Day(["1/1"]), 2: Day(["2/2"])}


def test_one_group_by_for_two_tables_makes_one_repartition_topic() -> None:
    app = fl.App("app")
    clicks = app.topic("clicks", value=Click, ts="at")
    by_page = clicks.group_by(lambda c: c.page, name="by-page")
    counts = by_page.count(name="counts")

    @app.table(by_page)
    def slow(state: int, c: Click) -> int:
        return state + (c.ms > 500)

    topology = app.topology()
    assert [t.name for t in topology.internal_topics if t.kind == "repartition"] == [
        "app-by-page-repartition"
    ]
    with app.test() as t:
        t.send(clicks, click(1))
        t.send(clicks, click(2, ms=1))
        assert (t.table(counts)["/home"], t.table(slow)["/home"]) == (2, 1)


def test_a_new_key_without_state_behind_it_needs_no_repartition() -> None:
    app = fl.App("app")
    clicks = app.topic("clicks", value=Click)
    out = app.topic("out", value=Click)
    clicks.group_by(lambda c: c.page, name="by-page").to(out)
    assert app.topology().internal_topics == ()
    with app.test() as t:
        t.send(clicks, click(1))
        assert [record.key for record in t.read(out)] == ["/home"]


def test_a_key_set_by_rec_is_repartitioned_before_state() -> None:
    app = fl.App("app")
    clicks = app.topic("clicks", value=Click)

    @app.stream(clicks)
    def by_page(c: Click) -> fl.Rec[str, int]:
        return fl.rec(c.ms, key=c.page)

    counts = by_page.count(name="counts")
    with app.test(partitions=3) as t:
        for _ in range(5):
            t.send(clicks, click(1))
        assert dict(t.table(counts).items()) == {"/home": 5}
    assert app.topology().internal_topics[0].name == "app-by-page-repartition"


def test_a_key_whose_type_cannot_be_told_must_be_said() -> None:
    app = fl.App("app")
    clicks = app.topic("clicks", value=Click)
    with pytest.raises(TopologyError, match="cannot tell the type of the keys"):
        clicks.group_by(lambda c: max(c.page, c), name="odd")
    clicks.group_by(lambda c: max(c.page, "/"), name="fine", key=str)


@pytest.mark.parametrize(
    "options", [{"emit": "close"}, {"late": "x"}, {"idle_close": "1s"}, {"on_error": "explode"}]
)
def test_options_that_make_no_sense_are_refused(options: Any) -> None:
    app = fl.App("app")
    with pytest.raises(ConfigError):
        app.table(app.topic("numbers", value=int), **options)


def test_a_state_that_cannot_start_is_refused_at_once() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)
    with pytest.raises(ConfigError, match="cannot start from"):

        @app.table(numbers)
        def last(state: Click, number: int) -> Click:
            return state
