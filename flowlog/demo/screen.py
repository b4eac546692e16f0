"""The board as text: a full screen for a terminal, one line for a pipe. Pure but for rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .board import Board
from .flights import RouteDay


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
    """The whole picture: 20 lines of 80 columns."""
    day = board.newest_day
    right = Group(
        _title("Departed from"),
        _airports(board),
        Text(),
        _title(f"Worst routes on {_day(day)}" if day else "Worst routes"),
        _routes(board.worst.get(day, []) if day else []),
    )
    columns = Table.grid(padding=(0, 4))
    columns.add_row(Group(_title("Carriers, last closed hour"), _carriers(board, airlines)), right)
    return Group(_head(progress), Text(), columns)


def _head(progress: Progress) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    bar = ProgressBar(
        total=progress.total_count,
        completed=progress.published_count,
        width=14,
        complete_style="cyan",
        finished_style="cyan",
    )
    head.add_row(
        Text(f"{_minute(progress.time_ms)} UTC", style="bold"),
        bar,
        f"{progress.published_count:,} of {progress.total_count:,} flights",
        f"{progress.records_per_second:,.0f}/s",
    )
    return head


def _carriers(board: Board, airlines: Mapping[str, str]) -> Table:
    """Each carrier's newest closed hour; hours close two hours later, when no more may come."""
    table = _table()
    table.add_column("", width=2)
    table.add_column("", width=16, no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column("hour", width=8)
    table.add_column("left", justify="right", width=4)
    table.add_column("delay", justify="right", width=6)
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
    table = _table(show_header=False)
    table.add_column("", width=13)
    table.add_column("", justify="right", width=6)
    for airport, count in sorted(board.airports.items()):
        table.add_row(airport, f"{count:,}")
    table.add_row("reported late", f"{len(board.late):,}", style="dim")
    return table


def _routes(routes: Sequence[RouteDay]) -> Table:
    table = _table()
    table.add_column("route", width=8)
    table.add_column("left", justify="right", width=4)
    table.add_column("delay", justify="right", width=6)
    for total in routes:
        table.add_row(total.route, str(total.departures), _delay(total.mean_minutes))
    return table


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _table(*, show_header: bool = True) -> Table:
    return Table(
        show_header=show_header,
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _delay(minutes: float) -> Text:
    style = "green" if minutes < 5 else "yellow" if minutes < 20 else "red"
    return Text(f"{minutes:+.0f} m", style=style)


def _day(day: str) -> str:
    return date.fromisoformat(day).strftime("%b %d")


def _minute(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _hour(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%d %H:00")
