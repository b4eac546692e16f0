"""The jobs in Faust; see the package's docstring for the arguments.

Faust closes windows by the wall clock, so its sum gives out each change instead of the last.
"""

from __future__ import annotations

import os
import sys
import time

import faust


class First:
    """Says once when the first event came."""

    said = False

    @classmethod
    def say(cls):
        cls.said = True
        os.write(1, f"first {time.time()}\n".encode())  # Faust takes print for its log


class Event(faust.Record, serializer="json"):
    user: str
    ms: int
    at: int


def build(job, bootstrap, source, target, name, folder):
    app = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        store="rocksdb://",
        datadir=folder,
        topic_partitions=4,
        topic_replication_factor=1,
        web_enabled=False,
        worker_redirect_stdouts=False,
        stream_wait_empty=False,
    )
    events = app.topic(source, key_type=str, value_type=Event)
    output = app.topic(target, key_type=str, value_serializer="json")
    {"map": _map, "count": _count, "sum": _sum}[job](app, events, output)
    return app


def _map(app, events, output):
    @app.agent(events)
    async def double(stream):
        async for event in stream:
            First.said or First.say()
            await output.send(key=event.user, value={"user": event.user, "ms": event.ms * 2})


def _count(app, events, output):
    counts = app.Table("counts", default=int, partitions=4)

    @app.agent(events)
    async def count(stream):
        async for event in stream:
            First.said or First.say()
            counts[event.user] += 1
            await output.send(key=event.user, value=counts[event.user])


def _sum(app, events, output):
    sums = app.Table("sums", default=int, partitions=4).tumbling(60.0)

    @app.agent(events)
    async def add(stream):
        async for event in stream:
            First.said or First.say()
            windows = sums[event.user]
            windows += event.ms
            start = event.at - event.at % 60_000
            total = sums[event.user].current()
            await output.send(key=event.user, value={"start": start, "value": total})


if __name__ == "__main__":
    application = build(*sys.argv[1:])
    sys.argv = [sys.argv[0], "worker", "-l", "warn", "--without-web"]
    application.main()
