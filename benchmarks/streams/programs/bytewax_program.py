"""The jobs in Bytewax; see the package's docstring for the arguments.

Bytewax keeps state in memory alone and has no consumer group. Its watermark belongs to each key,
so a key's last window would stay open: the input is read to its end, which closes everything.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

import orjson
from bytewax import operators as op
from bytewax._bytewax import run_main
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing

WINDOW_MS = 60_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


class First:
    """Says once when the first event came."""

    said = False

    @classmethod
    def say(cls):
        cls.said = True
        print(f"first {time.time()}", flush=True)


def double(message):
    First.said or First.say()
    event = orjson.loads(message.value)
    return KafkaSinkMessage(
        message.key, orjson.dumps({"user": event["user"], "ms": event["ms"] * 2})
    )


def by_user(message):
    First.said or First.say()
    return message.key.decode(), orjson.loads(message.value)


def count(total, event):
    total = (total or 0) + 1
    return total, total


def counted(item):
    return KafkaSinkMessage(item[0].encode(), orjson.dumps(item[1]))


def closed(item):
    user, (window, total) = item
    return KafkaSinkMessage(
        user.encode(), orjson.dumps({"start": window * WINDOW_MS, "value": total})
    )


def sums(events):
    began = datetime.now(UTC)
    clock = windowing.EventClock(
        ts_getter=lambda event: EPOCH + event["at"] * MS,
        wait_for_system_duration=timedelta(0),
        # The wall clock stands still: otherwise it closes windows whenever the program pauses.
        now_getter=lambda: began,
    )
    return windowing.fold_window(
        "sum",
        events,
        clock,
        windowing.TumblingWindower(length=timedelta(minutes=1), align_to=EPOCH),
        builder=lambda: 0,
        folder=lambda total, event: total + event["ms"],
        merger=lambda one, other: one + other,
        ordered=False,
    ).down


def build(job, bootstrap, source, target):
    flow = Dataflow(job)
    messages = kop.input("in", flow, brokers=[bootstrap], topics=[source], tail=False).oks
    if job == "map":
        out = op.map("double", messages, double)
    else:
        events = op.map("user", messages, by_user)
        if job == "count":
            out = op.map("out", op.stateful_map("count", events, count), counted)
        else:
            out = op.map("out", sums(events), closed)
    kop.output("sink", out, brokers=[bootstrap], topic=target)
    return flow


if __name__ == "__main__":
    run_main(build(*sys.argv[1:5]))
