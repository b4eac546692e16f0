"""Whatever is interleaved and wherever it crashes, the tables come out the same.

Input is a list of words with times; actions are sent, held back from the commit, crashes at each
step of a commit, with and without the stores. Tables must equal what plain Python computes, and
what consumers see must be the same once repeated records are taken once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import flowlog as fl
from flowlog.streams.testing import CrashPoint, TopologyTestDriver

SIZE_MS, GRACE_MS = 10, 5


@dataclass
class Line:
    text: str
    at: int


@dataclass
class Total:
    letters: int = 0
    words: int = 0


class Words:
    """A count per word; totals per first letter and window; a count of the closed windows."""

    def __init__(self) -> None:
        self.app = app = fl.App("app")
        self.lines = app.topic("lines", value=Line, ts="at")

        @app.stream(self.lines)
        def words(line: Line) -> Iterator[str]:
            yield from line.text.split()

        self.counts = words.group_by(lambda w: w, name="by-word").count(name="counts")

        @app.table(
            words,
            by=lambda w: w[0],
            window=fl.tumbling(SIZE_MS, grace=GRACE_MS),
            emit="close",
            late="late",
        )
        def totals(total: Total, word: str) -> Total:
            total.letters += len(word)
            total.words += 1
            return total

        self.totals: fl.WindowedTable[str, Total] = totals
        self.closed = app.topic("closed", key=fl.Windowed[str], value=Total)
        totals.to(self.closed)
        self.by_size = totals.group_by(lambda total: total.words, name="by-size").count(
            name="windows-by-size"
        )


@dataclass(frozen=True)
class Send:
    line: Line


@dataclass(frozen=True)
class Crash:
    at: CrashPoint
    rows: int
    wipe: bool
    records: int | None


@dataclass(frozen=True)
class Commit:
    pass


lines = st.builds(
    Line,
    st.lists(st.sampled_from(["to", "be", "two", "bee", "or"]), max_size=4).map(" ".join),
    st.integers(0, 60),
)
crashes = st.builds(
    Crash,
    st.sampled_from(["now", "flushing", "flushed", "committed"]),
    st.integers(0, 12),
    st.booleans(),
    st.none() | st.integers(0, 5),
)
actions = st.lists(st.one_of(st.builds(Send, lines), crashes, st.just(Commit())), max_size=25)


def run(example: Words, todo: list[Any], t: TopologyTestDriver) -> None:
    """Nothing is committed but by `Commit` and at the end."""
    with t.one_commit():
        for action in todo:
            if isinstance(action, Send):
                t.send(example.lines, action.line)
            elif isinstance(action, Commit):
                t.commit()
            else:
                t.crash(at=action.at, rows=action.rows)
                t.restart(wipe_state=action.wipe, records=action.records)


@settings(max_examples=150, deadline=None)
@given(actions, st.sampled_from([1, 3]))
def test_tables_are_the_same_whatever_happens(todo: list[Any], partitions: int) -> None:
    example = Words()
    sent = [action.line for action in todo if isinstance(action, Send)]
    with example.app.test(partitions=partitions) as t:
        run(example, todo, t)
        counts = dict(t.table(example.counts).items())
        assert counts == Counter(word for line in sent for word in line.text.split())
        if partitions == 1:
            _check_windows(example, t, sent)


def _check_windows(example: Words, t: TopologyTestDriver, sent: list[Line]) -> None:
    """With one partition the order of records is known, and so is what is late."""
    expected: dict[tuple[str, int], Total] = {}
    late = 0
    stream_time = -1
    for line in sent:
        for word in line.text.split():
            stream_time = max(stream_time, line.at)
            start = line.at // SIZE_MS * SIZE_MS
            if start + SIZE_MS + GRACE_MS <= stream_time:
                late += 1
                continue
            total = expected.setdefault((word[0], start), Total())
            total.words += 1
            total.letters += len(word)
    found = {
        (letter, window.start): window.value
        for letter in "tbo"
        for window in t.windows(example.totals, letter)
    }
    assert found == expected
    closed = {
        key: total for key, total in expected.items() if key[1] + SIZE_MS + GRACE_MS <= stream_time
    }
    out = {(record.key.key, record.key.start): record.value for record in t.read(example.closed)}
    assert out == closed, "final values, and repeated ones are the same"
    sizes = dict(t.table(example.by_size).items())
    assert sizes == Counter(total.words for total in closed.values())
    assert len(t.read_raw("late")) >= late


@settings(max_examples=40, deadline=None)
@given(actions)
def test_a_changelog_gives_back_the_same_store(todo: list[Any]) -> None:
    example = Words()
    with example.app.test() as t:
        run(example, todo, t)
        before = _stores(t)
        t.crash()
        t.restart(wipe_state=True)
        assert _stores(t) == before


def _stores(t: TopologyTestDriver) -> dict[Any, list[tuple[bytes, bytes]]]:
    return {
        (task.id, name): list(store.scan(b"", None))
        for task in t._sandbox.running().values()
        for name, store in task.stores.items()
    }


def test_what_a_crash_left_in_a_changelog_never_counts() -> None:
    """The commit in the middle passes records of the first crash whose input comes only later."""
    example = Words()
    left_behind = Crash(at="flushed", rows=0, wipe=False, records=1)
    wiped = Crash(at="now", rows=0, wipe=True, records=None)
    with example.app.test() as t:
        run(example, [Send(Line("to be", 1)), left_behind, wiped], t)
        assert dict(t.table(example.counts).items()) == {"to": 1, "be": 1}
