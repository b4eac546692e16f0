"""Count a million keys, throw the store away, start again: how fast does it come back?

Each program says itself how long its stores took, for every framework has its own start-up; that
they came back right is checked by counting once more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from benchmarks.streams.drain import Drained, WrongAnswersError, wait_committed
from benchmarks.streams.events import Event, distinct_events, last_values
from benchmarks.streams.frameworks import RESTORE, Framework
from benchmarks.streams.program import Program
from benchmarks.streams.topics import create_topics, publish, read_all, wait_coordinator

_PROBE_COUNT = 8  # keys that are counted again, spread over the partitions


def restore(framework: Framework, bootstrap: str, keys: int, *, deadline_s: float) -> Drained:
    """Fill stores of `keys` keys, restore them from their changelogs; count and time are theirs.

    Raises:
        ProgramFailedError: the program ended by itself, or was not done by the deadline.
        WrongAnswersError: a key did not go on from where it was.
    """
    name = f"restore-{uuid4().hex[:8]}"
    source, target = f"{name}-events", f"{name}-answers"
    create_topics(bootstrap, source, target)
    total = publish(bootstrap, source, distinct_events(keys))
    wait_coordinator(bootstrap, name, source)
    arguments = [*framework.command(), RESTORE, bootstrap, source, target, name]
    with _new_worker(arguments) as program:
        wait_committed(program, bootstrap, name, source, total, deadline_s)
    probes = list(distinct_events(_PROBE_COUNT))
    total += publish(bootstrap, source, probes)
    with _new_worker(arguments) as program:
        wait_committed(program, bootstrap, name, source, total, deadline_s)
        restored = program.report("restored")
    if restored is None:
        raise program.failure("it never said that it had restored")
    _check(framework, bootstrap, target, probes)
    return Drained(keys, restored[0], program.cpu_s, program.peak_mb)


@contextmanager
def _new_worker(arguments: Sequence[str]) -> Iterator[Program]:
    """The program with an empty folder for its state."""
    with (
        tempfile.TemporaryDirectory(prefix="flowlog-bench-") as folder,
        Program([*arguments, folder]) as program,
    ):
        yield program


def _check(framework: Framework, bootstrap: str, target: str, probes: list[Event]) -> None:
    records, _ = read_all(bootstrap, target)
    counts = last_values(records)
    found = {probe.user: counts[probe.user] for probe in probes}
    if set(found.values()) != {2}:
        raise WrongAnswersError(f"{framework.name}: after the restore the counts are {found}")
