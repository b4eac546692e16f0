"""Clicks and slow answers per page and minute, in event time.

A minute is final ten seconds after its end; clicks that come later than that go to `clicks-late`.

flowlog dev examples/page_stats.py
echo '{"page": "/home", "ms": 700, "at": "2026-01-05T12:00:07Z"}' | flowlog produce clicks
flowlog state get page-stats /home
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import flowlog as fl

SLOW_MS = 500


@dataclass
class Click:
    page: str
    ms: int
    at: datetime


@dataclass
class Stats:
    n: int = 0
    slow: int = 0


app = fl.App("page-stats")
clicks = app.topic("clicks", value=Click, ts="at")


@app.table(
    clicks,
    by=lambda click: click.page,
    window=fl.tumbling("1m", grace="10s"),
    emit="close",
    late="clicks-late",
    idle_close="30s",
)
def page_stats(stats: Stats, click: Click) -> Stats:
    stats.n += 1
    stats.slow += click.ms > SLOW_MS
    return stats


page_stats_closed = app.topic("page-stats-closed", key=fl.Windowed[str], value=Stats)
page_stats.to(page_stats_closed)
