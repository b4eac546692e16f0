"""The small examples do what their first lines say."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def load(name: str) -> ModuleType:
    """An example, freshly imported: every test has an app of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_hello_greets_everybody() -> None:
    hello = load("hello")
    with hello.app.test() as t:
        t.send(hello.names, "ada")
        t.send(hello.names, "grace")
        assert [out.value for out in t.read(hello.greetings)] == ["hello ada", "hello grace"]
    assert hello.greet("ada") == "hello ada"


def test_wordcount_counts_words_over_lines() -> None:
    wordcount = load("wordcount")
    with wordcount.app.test(partitions=3) as t:
        t.send(wordcount.lines, "To be or not to be")
        t.send(wordcount.lines, "be brief")
        counts = dict(t.table(wordcount.word_counts).scan())
        assert counts == {"to": 2, "be": 3, "or": 1, "not": 1, "brief": 1}
        newest = {out.key: out.value for out in t.read(wordcount.word_totals)}
        assert newest == counts


def test_page_stats_closes_a_minute_once_and_sets_late_clicks_aside() -> None:
    example = load("page_stats")

    def click(second: int, ms: int = 100) -> object:
        return example.Click("/home", ms, NOON + timedelta(seconds=second))

    with example.app.test() as t:
        t.send(example.clicks, click(0))
        t.send(example.clicks, click(59, ms=700))
        t.send(example.clicks, click(69))
        assert t.read(example.page_stats_closed) == []
        t.send(example.clicks, click(70))
        [out] = t.read(example.page_stats_closed)
        assert (out.key.key, out.value) == ("/home", example.Stats(n=2, slow=1))
        assert out.key.start == NOON.timestamp() * 1000
        t.send(example.clicks, click(30))
        assert len(t.read_raw("clicks-late")) == 1
        assert t.read(example.page_stats_closed) == []


def test_page_stats_closes_when_no_clicks_come() -> None:
    example = load("page_stats")
    with example.app.test() as t:
        t.send(example.clicks, example.Click("/home", 100, NOON))
        t.advance("30s")
        [out] = t.read(example.page_stats_closed)
        assert out.value == example.Stats(n=1)


def test_page_stats_survive_a_crash_and_a_lost_disk() -> None:
    example = load("page_stats")
    with example.app.test() as t:
        t.send(example.clicks, example.Click("/home", 100, NOON))
        t.crash()
        t.restart(wipe_state=True)
        t.send(example.clicks, example.Click("/home", 100, NOON + timedelta(seconds=90)))
        [out] = t.read(example.page_stats_closed)
        assert out.value == example.Stats(n=1)


def test_flights_is_the_demos_app() -> None:
    flights = load("flights")
    assert flights.app.name == "flights"
