"""The queue of deadlines behind the coordinators' timers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.coordinator.deadlines import DeadlineQueue


def test_keys_come_out_earliest_first_and_once() -> None:
    queue: DeadlineQueue[str] = DeadlineQueue()
    queue.schedule("b", 20)
    queue.schedule("a", 10)
    queue.schedule("c", 30)
    assert list(queue.pop_due(20)) == ["a", "b"]
    assert list(queue.pop_due(20)) == []
    assert queue.next_deadline_ms() == 30


def test_a_later_schedule_replaces_the_earlier_one_in_both_directions() -> None:
    queue: DeadlineQueue[str] = DeadlineQueue()
    queue.schedule("later", 10)
    queue.schedule("later", 50)
    queue.schedule("sooner", 50)
    queue.schedule("sooner", 10)
    assert list(queue.pop_due(10)) == ["sooner"]
    assert queue.next_deadline_ms() == 50


def test_none_takes_a_deadline_away() -> None:
    queue: DeadlineQueue[str] = DeadlineQueue()
    queue.schedule("a", 10)
    queue.schedule("a", None)
    assert queue.next_deadline_ms() is None
    assert len(queue) == 0


KEYS = st.integers(0, 5)


@given(st.lists(st.tuples(KEYS, st.none() | st.integers(0, 20)), max_size=60), st.integers(0, 20))
def test_the_queue_equals_a_dictionary_of_deadlines(
    steps: list[tuple[int, int | None]], now_ms: int
) -> None:
    queue: DeadlineQueue[int] = DeadlineQueue()
    model: dict[int, int] = {}
    for key, deadline_ms in steps:
        queue.schedule(key, deadline_ms)
        model.pop(key, None)
        if deadline_ms is not None:
            model[key] = deadline_ms
    assert queue.next_deadline_ms() == min(model.values(), default=None)
    due = list(queue.pop_due(now_ms))
    assert sorted(due) == sorted(key for key, deadline in model.items() if deadline <= now_ms)
    assert [model[key] for key in due] == sorted(model[key] for key in due)
