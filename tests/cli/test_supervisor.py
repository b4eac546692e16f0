"""When a worker that failed is started again, and when not."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any, cast

from flowlog.cli.children import Child, ChildExited, Events, StopAsked
from flowlog.cli.exits import ExitCode
from flowlog.cli.supervisor import RestartPolicy, Supervisor


def test_pauses_double_and_end_after_five_failures_in_a_row() -> None:
    policy = RestartPolicy()
    pauses = [policy.pause_s(1, ran_s=0) for _ in range(6)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, None]


def test_a_worker_that_ran_for_a_minute_starts_its_count_anew() -> None:
    policy = RestartPolicy(failures=5)
    assert policy.pause_s(1, ran_s=60) == 1.0


def test_a_wrong_command_line_is_not_tried_again() -> None:
    assert RestartPolicy().pause_s(ExitCode.USAGE, ran_s=100) is None


class FakeChild:
    """Remembers what the supervisor did to it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def ask_to_stop(self) -> None:
        self.calls.append("ask")

    def stop(self) -> None:
        self.calls.append("stop")


class Workers:
    """Starts fake children and lets a test end them."""

    def __init__(self, count: int) -> None:
        self.events: Events = SimpleQueue()
        self.children: list[FakeChild] = []
        self.said: list[str] = []
        self.supervisor = Supervisor(self._start, count, self.events, say=self.said.append)

    def _start(self, number: int) -> Child:
        child = FakeChild()
        self.children.append(child)
        self.on_start(number, child)
        return cast(Child, child)

    def on_start(self, number: int, child: FakeChild) -> None:
        """What happens to a child that was just started."""

    def end(self, number: int, child: FakeChild, exit_code: int) -> None:
        self.events.put(ChildExited(f"worker-{number}", exit_code, cast(Any, child)))


def test_being_asked_to_stop_stops_all_at_once_and_then_waits() -> None:
    workers = Workers(3)
    workers.events.put(StopAsked())
    assert workers.supervisor.run() == 0
    assert [child.calls for child in workers.children] == [["ask", "stop"]] * 3


def test_workers_that_end_well_end_the_command() -> None:
    class Finished(Workers):
        def on_start(self, number: int, child: FakeChild) -> None:
            self.end(number, child, 0)

    workers = Finished(2)
    assert workers.supervisor.run() == 0
    assert len(workers.children) == 2


def test_a_hopeless_worker_stops_the_others_and_its_exit_code_is_kept() -> None:
    class OneHopeless(Workers):
        def on_start(self, number: int, child: FakeChild) -> None:
            if number == 1:
                self.end(number, child, 2)

    workers = OneHopeless(2)
    assert workers.supervisor.run() == 2
    assert workers.children[0].calls == ["ask", "stop"]
    assert workers.said == ["worker-1 ended with 2; giving up"]


def test_a_worker_that_was_killed_is_started_again() -> None:
    class KilledOnce(Workers):
        def on_start(self, number: int, child: FakeChild) -> None:
            if len(self.children) == 1:
                self.end(number, child, -9)
            else:
                self.events.put(StopAsked())

    workers = KilledOnce(1)
    assert workers.supervisor.run() == 0
    assert workers.said == ["worker-0 ended with -9; starting it again in 1 s"]
    assert len(workers.children) == 2
