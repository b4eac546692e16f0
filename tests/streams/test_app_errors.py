"""Functions that raise: stop, skip, dead letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

import flowlog as fl
from flowlog.streams.errors import ProcessingError


def failing_app(**options: Any) -> tuple[fl.App, fl.Topic[str, int], fl.Topic[str, int]]:
    app = fl.App("app", **options)
    numbers, out = app.topic("numbers", value=int), app.topic("out", value=int)

    @app.stream(numbers, to=out)
    def picky(number: int) -> int:
        if number < 0:
            raise ValueError("negative\nnumber")
        return number

    return app, numbers, out


def test_by_default_a_failing_function_stops_the_app_with_one_clear_line() -> None:
    app, numbers, out = failing_app()
    with app.test() as t:
        t.send(numbers, 1)
        with pytest.raises(ProcessingError) as caught:
            t.send(numbers, -1)
        assert str(caught.value) == "app/picky at numbers-0@1: ValueError: negative number"
        assert isinstance(caught.value.__cause__, ValueError)
        assert len(t.read(out)) == 1


# IT/ProcessingExceptionHandlerIntegrationTest
def test_skip_goes_on_without_the_record_and_counts() -> None:
    app, numbers, out = failing_app(on_error="skip")
    with app.test() as t:
        for number in (1, -1, 2, -2, 3, 4):
            t.send(numbers, number)
        assert [record.value for record in t.read(out)] == [1, 2, 3, 4]
        [task] = t._sandbox.running().values()
        assert task.failures.skipped_count == 2


def test_dead_letters_say_what_where_and_why() -> None:
    app, numbers, out = failing_app(on_error=fl.dlq())
    with app.test() as t:
        t.send(numbers, -5, key="k", timestamp=99, headers=[("own", b"1")])
        t.send(numbers, 6)
        [letter] = t.read_raw("app-dlq")
        assert (letter.key, letter.value, letter.timestamp) == (b"k", b"-5", 99)
        headers = dict(letter.headers)
        assert headers["own"] == b"1"
        assert headers["__streams.errors.exception"] == b"ValueError"
        assert headers["__streams.errors.message"] == b"negative\nnumber"
        assert headers["__streams.errors.topic"] == b"numbers"
        assert headers["__streams.errors.partition"] == b"0"
        assert headers["__streams.errors.offset"] == b"0"
        assert headers["__streams.errors.step"] == b"picky"
        assert b"picky" in (headers["__streams.errors.stacktrace"] or b"")
        assert [record.value for record in t.read(out)] == [6]


def test_a_step_may_choose_for_itself_and_its_topic() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)

    @app.stream(numbers, on_error=fl.dlq("bad-numbers"))
    def picky(number: int) -> int:
        raise ValueError(number)

    with app.test() as t:
        t.send(numbers, 1)
        t.send_raw("numbers", b"not a number")
        values = [letter.value for letter in t.read_raw("bad-numbers")]
        assert values == [b"1", b"not a number"], "decoding is part of the step that reads"


def test_a_value_that_cannot_be_read_is_the_readers_failure() -> None:
    app, _, _ = failing_app()
    with app.test() as t, pytest.raises(ProcessingError, match="app/numbers at numbers-0@0"):
        t.send_raw("numbers", b"x")


def test_a_failing_fold_leaves_its_state_as_it_was() -> None:
    @dataclass
    class Seen:
        numbers: list[int] = field(default_factory=list)

    app = fl.App("app")
    numbers = app.topic("numbers", value=int)

    @app.table(numbers, on_error="skip")
    def seen(state: Seen, number: int) -> Seen:
        state.numbers.append(number)
        if number < 0:
            raise ValueError
        return state

    with app.test() as t:
        with t.one_commit():
            for number in (1, -1, 2):
                t.send(numbers, number, key="k")
        t.send(numbers, -2, key="k")
        assert t.table(seen)["k"] == Seen([1, 2])


def test_a_failing_async_step_fails_alone() -> None:
    app = fl.App("app", on_error="skip")
    numbers, out = app.topic("numbers", value=int), app.topic("out", value=int)

    @app.stream(numbers, to=out)
    async def picky(number: int) -> int:
        if number < 0:
            raise ValueError
        return number

    with app.test() as t:
        for number in (1, -1, 2):
            t.send(numbers, number)
        assert [record.value for record in t.read(out)] == [1, 2]


def test_a_key_function_that_raises_is_named() -> None:
    app = fl.App("app")
    numbers = app.topic("numbers", value=int)
    numbers.group_by(lambda number: 10 // number, name="by-tenth", key=int).count(name="counts")
    with app.test() as t, pytest.raises(ProcessingError, match=r"app/by-tenth .*ZeroDivisionError"):
        t.send(numbers, 0)
