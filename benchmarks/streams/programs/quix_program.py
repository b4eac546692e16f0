"""The jobs in Quix Streams; see the package's docstring for the arguments."""

from __future__ import annotations

import logging
import sys
import time

from quixstreams import Application


class First:
    """Says once when the first event came."""

    said = False

    @classmethod
    def say(cls):
        cls.said = True
        print(f"first {time.time()}", flush=True)


def double(event):
    First.said or First.say()
    return {"user": event["user"], "ms": event["ms"] * 2}


def count(event, state):
    First.said or First.say()
    total = state.get("count", 0) + 1
    state.set("count", total)
    return total


def milliseconds(event):
    First.said or First.say()
    return event["ms"]


class RestoreTime(logging.Handler):
    """Says how long the restore took, from the two lines that Quix logs."""

    def emit(self, record):
        text = record.getMessage()
        if text.startswith("Beginning recovery"):
            self.began = record.created
        elif text.startswith("Recovery process complete"):
            print(f"restored {record.created - self.began}", flush=True)


def main():
    job, bootstrap, source, target, name, folder = sys.argv[1:]
    app = Application(
        broker_address=bootstrap,
        consumer_group=name,
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="INFO" if job == "restore" else "WARNING",
        processing_guarantee="at-least-once",
    )
    events = app.topic(
        source,
        value_deserializer="json",
        key_deserializer="str",
        timestamp_extractor=lambda value, headers, timestamp, timestamp_type: value["at"],
    )
    output = app.topic(target, value_serializer="json", key_serializer="str")
    logging.getLogger("quixstreams").addHandler(RestoreTime())
    frame = app.dataframe(events)
    if job == "map":
        frame = frame.apply(double)
    elif job in ("count", "restore"):
        frame = frame.apply(count, stateful=True)
    else:
        window = frame.apply(milliseconds).tumbling_window(duration_ms=60_000).sum()
        # Close by the time of the partition, as the others do, not of each key alone.
        frame = window.final(closing_strategy="partition")
    frame.to_topic(output)
    app.run()


if __name__ == "__main__":
    main()
