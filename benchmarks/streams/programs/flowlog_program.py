"""The jobs in flowlog; see the package's docstring for the arguments."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass

import flowlog as fl


@dataclass
class Event:
    user: str
    ms: int
    at: int


@dataclass
class Doubled:
    user: str
    ms: int


class First:
    """Says once when the first event came."""

    said = False

    @classmethod
    def say(cls) -> None:
        cls.said = True
        print(f"first {time.time()}", flush=True)


def build(job: str, source: str, target: str, name: str) -> fl.App:
    app = fl.App(name)
    events = app.topic(source, value=Event, ts="at")
    if job == "map":
        _map(app, events, app.topic(target, value=Doubled))
    elif job in ("count", "restore"):
        _count(app, events, app.topic(target, value=int))
    else:
        _sum(app, events, app.topic(target, key=fl.Windowed[str], value=int))
    return app


def _map(app: fl.App, events: fl.Topic[str, Event], target: fl.Topic[str, Doubled]) -> None:
    @app.stream(events, to=target)
    def double(event: Event) -> Doubled:
        First.said or First.say()
        return Doubled(event.user, event.ms * 2)


def _count(app: fl.App, events: fl.Topic[str, Event], target: fl.Topic[str, int]) -> None:
    @app.table(events)
    def counts(count: int, event: Event) -> int:
        First.said or First.say()
        return count + 1

    counts.to(target)


def _sum(
    app: fl.App, events: fl.Topic[str, Event], target: fl.Topic[fl.Windowed[str], int]
) -> None:
    @app.table(events, window=fl.tumbling("1m"), emit="close")
    def sums(total: int, event: Event) -> int:
        First.said or First.say()
        return total + event.ms

    sums.to(target)


class RestoreTime(logging.Handler):
    """Says how long the restore took, which the worker logs."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("restored %d records") and isinstance(record.args, tuple):
            print(f"restored {record.args[1]}", flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    job, bootstrap, source, target, name, folder = sys.argv[1:]
    restore_log = logging.getLogger("flowlog.streams.restore")
    restore_log.setLevel(logging.INFO)
    restore_log.addHandler(RestoreTime())
    build(job, source, target, name).run(bootstrap, state_dir=folder)
