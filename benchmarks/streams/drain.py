"""Run one program over a topic that is full already, until all answers are out; time it.

The clock starts when the first event reaches the user's function and stops at the append time
of the last answer, which the broker notes (`message.timestamp.type=LogAppendTime`): the same
for every framework, and nothing watches while it runs but one offset request now and then.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

from benchmarks.streams.events import answers, events, normalised
from benchmarks.streams.frameworks import Framework
from benchmarks.streams.program import Program
from benchmarks.streams.topics import (
    committed_count,
    create_topics,
    publish,
    read_all,
    wait_coordinator,
)

_ASK_EVERY_S = 0.25


class WrongAnswersError(Exception):
    """What came out is not what the input adds up to."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one run did; CPU and memory are the worker's."""

    count: int
    seconds: float
    cpu_s: float
    peak_mb: float | None

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.count / self.seconds


def drain(
    framework: Framework, job: str, bootstrap: str, count: int, *, deadline_s: float
) -> Drained:
    """Run `job` over `count` events.

    Raises:
        ProgramFailedError: the program ended by itself, or was not done by the deadline.
        WrongAnswersError: its answers are wrong.
    """
    name = f"{job}-{uuid4().hex[:8]}"
    source, target = f"{name}-events", f"{name}-answers"
    create_topics(bootstrap, source, target)
    total = publish(bootstrap, source, events(count))
    wait_coordinator(bootstrap, name, source)
    with (
        tempfile.TemporaryDirectory(prefix="flowlog-bench-") as folder,
        Program([*framework.command(), job, bootstrap, source, target, name, folder]) as program,
    ):
        first_s = program.wait_first(deadline_s)
        if framework.ends_itself:
            wait_ended(program, deadline_s)
        else:
            wait_committed(program, bootstrap, name, source, total, deadline_s)
    records, last_s = read_all(bootstrap, target)
    _compare(framework, job, normalised(job, records), answers(job, count))
    return Drained(total, last_s - first_s, program.cpu_since_first_s, program.peak_mb)


def wait_committed(
    program: Program, bootstrap: str, group: str, source: str, total: int, deadline_s: float
) -> None:
    """Return once the group has committed all of the input."""
    deadline = time.monotonic() + deadline_s
    while committed_count(bootstrap, group, source) < total:
        if program.has_ended() or time.monotonic() > deadline:
            raise program.failure(f"did not commit {total} records within {deadline_s} s")
        time.sleep(_ASK_EVERY_S)
    program.has_ended()  # For the last sample.


def wait_ended(program: Program, deadline_s: float) -> None:
    """Return once the program came to its end."""
    deadline = time.monotonic() + deadline_s
    while not program.has_ended():
        if time.monotonic() > deadline:
            raise program.failure(f"did not end within {deadline_s} s")
        time.sleep(_ASK_EVERY_S)


def _compare(
    framework: Framework, job: str, found: Counter[object], wanted: Counter[object]
) -> None:
    if found == wanted:
        return
    missing, extra = wanted - found, found - wanted
    raise WrongAnswersError(
        f"{framework.name} {job}: {missing.total()} answers missing, {extra.total()} wrong, "
        f"such as {next(iter(missing), None)} and {next(iter(extra), None)}"
    )
