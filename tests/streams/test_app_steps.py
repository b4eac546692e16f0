"""What each form of function does, through `app.test()`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import flowlog as fl
from flowlog.errors import ConfigError
from flowlog.streams.errors import ProcessingError, TopologyError


def values(records: list[Any]) -> list[Any]:
    return [record.value for record in records]


def test_a_plain_function_maps_and_none_drops() -> None:
    app = fl.App("app")
    numbers, halves = app.topic("numbers", value=int), app.topic("halves", value=float)

    @app.stream(numbers, to=halves)
    def halve(number: int) -> float | None:
        return number / 2 if number % 2 == 0 else None

    assert halve(4) == 2.0, "a decorated function stays callable as it was"
    with app.test() as t:
        for number in (2, 3, 4):
            t.send(numbers, number, key="k", timestamp=number, headers=[("h", b"1")])
        records = t.read(halves)
    assert values(records) == [1.0, 2.0]
    assert [(r.key, r.timestamp, r.headers) for r in records] == [
        ("k", 2, [("h", b"1")]),
        ("k", 4, [("h", b"1")]),
    ]


def test_a_generator_gives_any_number_of_values() -> None:
    app = fl.App("app")
    lines, words = app.topic("lines", value=str), app.topic("words", value=str)

    @app.stream(lines, to=words)
    def split(line: str) -> Iterator[str]:
        yield from line.split()

    with app.test() as t:
        t.send(lines, "to be")
        t.send(lines, "")
        t.send(lines, "or not")
        assert values(t.read(words)) == ["to", "be", "or", "not"]


@pytest.mark.parametrize("ordered", ["key", "partition", "none"])
def test_async_functions_keep_the_order_of_their_input(ordered: Any) -> None:
    app = fl.App("app")
    numbers, out = app.topic("numbers", value=int), app.topic("out", value=int)
    running = 0
    most = 0

    @app.stream(numbers, to=out, concurrency=3, ordered=ordered)
    async def slow(number: int) -> int | None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002 * (5 - number % 5))
        running -= 1
        return None if number == 4 else number * 10

    from flowlog.streams.runtime.message import Message
    from flowlog.streams.runtime.task import TaskId

    with app.test() as t:
        [task] = [t._sandbox.running()[TaskId(0, 0)]]
        batch = [
            Message("numbers", 0, n, (f"k{n % 2}".encode(), b"%d" % n, n, None)) for n in range(8)
        ]
        task.process("numbers", batch)
        task.outputs.drain(t._sandbox)
        assert values(t.read(out)) == [0, 10, 20, 30, 50, 60, 70]
    assert most == (2 if ordered == "key" else 3), "bounded, and one at a time per key"


def test_an_async_function_that_never_waits_needs_no_loop() -> None:
    app = fl.App("app")
    numbers, out = app.topic("numbers", value=int), app.topic("out", value=int)

    @app.stream(numbers, to=out)
    async def double(number: int) -> int:
        return number * 2

    with app.test() as t:
        t.send(numbers, 4)
        assert values(t.read(out)) == [8]
        assert t._sandbox._runner._loop is None


def test_rec_sets_key_time_and_headers_and_tombstone_deletes() -> None:
    app = fl.App("app")
    events = app.topic("events", value=str)
    out = app.topic("out", key=int, value=str)

    @app.stream(events, to=out)
    def route(event: str) -> fl.Rec[int, str]:
        return fl.rec(event.upper(), key=len(event), timestamp=7, headers=[("h", b"x")])

    deletions = app.topic("deletions", value=str)

    @app.stream(events, to=deletions)
    def delete(event: str) -> str | type[fl.Tombstone]:
        return fl.Tombstone if event == "bye" else event

    with app.test() as t:
        t.send(events, "bye", key="k")
        [record] = t.read(out)
        assert (record.key, record.value, record.timestamp) == (3, "BYE", 7)
        assert record.headers == [("h", b"x")]
        [deleted] = t.read_raw("deletions")
        assert (deleted.key, deleted.value) == (b"k", None)


def test_steps_follow_steps_and_one_function_may_feed_several() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)
    evens, squares = app.topic("evens", value=int), app.topic("squares", value=int)
    calls = []

    @app.stream(numbers)
    def positive(number: int) -> int | None:
        calls.append(number)
        return number if number > 0 else None

    @app.stream(positive, to=evens)
    def even(number: int) -> int | None:
        return number if number % 2 == 0 else None

    @app.stream(positive, to=squares)
    def square(number: int) -> int:
        return number * number

    with app.test() as t:
        for number in (-1, 2, 3):
            t.send(numbers, number)
        assert values(t.read(evens)) == [2]
        assert values(t.read(squares)) == [4, 9]
    assert calls == [-1, 2, 3], "called once per record, not once per reader"


def test_a_function_may_ask_for_the_record_and_send_aside() -> None:
    app = fl.App("app")
    events, out = app.topic("events", value=str), app.topic("out", value=str)
    aside = app.topic("aside", key=str, value=int)

    @app.stream(events, to=out)
    def look(event: str, ctx: fl.Ctx) -> str:
        ctx.send(aside, len(event), key=event)
        return f"{ctx.key}@{ctx.timestamp} {ctx.topic}-{ctx.partition}@{ctx.offset} {ctx.headers}"

    with app.test() as t:
        t.send(events, "abc", key="k", timestamp=5, headers=[("h", b"v")])
        assert values(t.read(out)) == ["k@5 events-0@0 [('h', b'v')]"]
        [sent] = t.read(aside)
        assert (sent.key, sent.value, sent.timestamp) == ("abc", 3, 5)


def test_bytes_that_nobody_reads_are_passed_through_as_they_came() -> None:
    @dataclass
    class Thing:
        x: int

    app = fl.App("app")
    things, copies = app.topic("things", value=Thing), app.topic("copies", value=Thing)
    things.to(copies)
    with app.test() as t:
        t.send_raw("things", b'{ "x" : 1, "unknown": 2 }', key=b"\xff")
        [copy] = t.read_raw("copies")
        assert (copy.key, copy.value) == (b"\xff", b'{ "x" : 1, "unknown": 2 }')


def test_a_tombstone_in_a_stream_is_dropped() -> None:
    app = fl.App("app")
    names, out = app.topic("names", value=str), app.topic("out", value=str)

    @app.stream(names, to=out)
    def greet(name: str) -> str:
        return f"hello {name}"

    with app.test() as t:
        t.send(names, None, key="k")
        t.send(names, "x")
        assert values(t.read(out)) == ["hello x"]


def test_the_time_of_a_record_is_the_field_that_the_topic_names() -> None:
    @dataclass
    class Event:
        at: int

    app = fl.App("app")
    events = app.topic("events", value=Event, ts="at")
    out = app.topic("out", value=Event)

    @app.stream(events, to=out)
    def same(event: Event) -> Event:
        return event

    with app.test() as t:
        t.send(events, Event(123), timestamp=9)
        assert t.read(out)[0].timestamp == 123


def test_names_are_taken_once() -> None:
    app = fl.App("app")
    app.topic("t", value=str)
    with pytest.raises(ConfigError, match="declared twice"):
        app.topic("t", value=int)

    numbers = app.topic("numbers", value=int)

    @app.stream(numbers)
    def same(number: int) -> int:
        return number

    @app.stream(numbers, name="same")
    def other(number: int) -> int:
        return number

    with pytest.raises(TopologyError, match="two steps are named same"):
        app.topology()


def test_a_lambda_needs_a_name() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)
    with pytest.raises(ConfigError, match="lambda"):
        app.stream(numbers)(lambda number: number)
    app.stream(numbers, name="same")(lambda number: number)


def test_keys_of_another_type_than_the_topic_says_are_refused() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", key=int, value=int)
    out = app.topic("out", key=str, value=int)
    with pytest.raises(TopologyError, match="keys of type int"):
        numbers.to(out)  # type: ignore[arg-type]


def test_setting_keys_without_saying_so_is_refused_when_it_happens() -> None:
    app = fl.App("app")
    numbers, out = app.topic("numbers", value=int), app.topic("out", value=int)

    @app.stream(numbers, to=out)
    def silent(number: int):  # type: ignore[no-untyped-def]
        return fl.rec(number, key="x")

    with app.test() as t, pytest.raises(ProcessingError, match=r"annotate it with -> fl\.Rec"):
        t.send(numbers, 1)
