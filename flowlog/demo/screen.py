"""The board as text: a full screen for a terminal, one line for a pipe. Pure but for rich."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .board import Board


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the replay is; `time_ms` is the simulated time."""

    time_ms: int
    published_count: int
    total_count: int
    records_per_second: float


def line(progress: Progress, board: Board) -> str:
    """One line for a log file."""
    parts = [
        f"{_minute(progress.time_ms)}",
        f"{progress.published_count:,} of {progress.total_count:,} flights",
        f"{progress.records_per_second:,.0f}/s",
        f"{board.departures:,} departures: "
        + " ".join(f"{airport} {count:,}" for airport, count in sorted(board.airports.items())),
        f"{len(board.hours):,} carrier hours closed",
        f"{len(board.late):,} late",
    ]
    day = board.newest_day
    routes = board.worst.get(day, []) if day else []
    if routes:
        parts.append(f"worst on {day}: {routes[0].route} {routes[0].mean_minutes:+.0f} min")
    return " | ".join(parts)


def screen(progress: Progress, board: Board, airlines: Mapping[str, str]) -> RenderableType:
    """The whole picture, at most 22 lines and 80 columns."""
    columns = Table.grid(padding=(0, 3))
    columns.add_row(
        _carriers(board, airlines), Group(_airports(board), Text(), _worst_routes(board))
    )
    return Group(_head(progress), Text(), columns)


def _head(progress: Progress) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=progress.total_count, completed=progress.published_count, width=14)
    head.add_row(
        Text(f"{_minute(progress.time_ms)} UTC", style="bold"),
        bar,
        f"{progress.published_count:,} of {progress.total_count:,} flights",
        f"{progress.records_per_second:,.0f}/s",
    )
    return head


def _carriers(board: Board, airlines: Mapping[str, str]) -> Table:
    """Each carrier's newest closed hour; hours close two hours later, when no more may come."""
    table = _table("Carriers, last closed hour")
    table.add_column("", width=2)
    table.add_column("", width=15, no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column("hour", width=8)
    table.add_column("left", justify="right", width=4)
    table.add_column("mean", justify="right", width=5)
    for carrier, start_ms in sorted(board.newest_hours.items()):
        delays = board.hours[carrier, start_ms]
        table.add_row(
            carrier,
            airlines.get(carrier, ""),
            _hour(start_ms),
            str(delays.departures),
            _delay(delays.mean_minutes),
        )
    return table


def _airports(board: Board) -> Table:
    table = _table("Departed from")
    table.add_column("airport")
    table.add_column("flights", justify="right")
    for airport, count in sorted(board.airports.items()):
        table.add_row(airport, f"{count:,}")
    table.add_row("late reports", f"{len(board.late):,}", style="dim")
    return table


def _worst_routes(board: Board) -> Table:
    day = board.newest_day
    table = _table("Worst routes" + (f", {_day(day)}" if day else ""))
    table.add_column("route")
    table.add_column("left", justify="right")
    table.add_column("mean", justify="right")
    for total in board.worst.get(day, []) if day else ():
        table.add_row(total.route, str(total.departures), _delay(total.mean_minutes))
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _delay(minutes: float) -> Text:
    style = "green" if minutes < 5 else "yellow" if minutes < 20 else "red"
    return Text(f"{minutes:+.0f}m", style=style)


def _day(day: str) -> str:
    return date.fromisoformat(day).strftime("%b %d")


def _minute(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _hour(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%d %H:00")
