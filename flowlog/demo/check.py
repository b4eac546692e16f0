"""The demo's last word: do the streamed answers equal the batch answers? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .batch import BatchAnswers
from .board import Board, Hour
from .flights import Delays


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison; `difference` is None where both sides are equal."""

    subject: str
    difference: str | None = None

    @property
    def is_equal(self) -> bool:
        return self.difference is None

    def __str__(self) -> str:
        if self.is_equal:
            return f"{self.subject}: matches the batch answer"
        return f"{self.subject}: DIFFERS from the batch answer: {self.difference}"


def compare(board: Board, open_hours: Mapping[Hour, Delays], batch: BatchAnswers) -> list[Check]:
    """Every answer that can be final by now against the batch over the same flights."""
    return [
        _compare(
            f"{board.departures:,} departures from {len(board.airports)} airports",
            board.airports,
            batch.airports,
        ),
        _compare(
            f"{len(batch.carriers)} carriers: departures and delays of {len(board.hours):,} closed"
            f" and {len(open_hours):,} open hours, {len(board.late):,} late reports",
            board.carriers(open_hours),
            batch.carriers,
        ),
        _worst_routes(board, batch),
    ]


def final_days(board: Board, batch: BatchAnswers) -> Iterator[str]:
    """The days of which every route is closed; the newest days still wait for late reports."""
    for day, routes in batch.route_days.items():
        if len(board.route_days.get(day, ())) == len(routes):
            yield day


def _worst_routes(board: Board, batch: BatchAnswers) -> Check:
    days = sorted(final_days(board, batch))
    return _compare(
        f"worst routes of {len(days)} closed days",
        {day: board.worst.get(day) for day in days},
        {day: batch.worst_routes(day) for day in days},
    )


def _compare(subject: str, streamed: Mapping[str, object], expected: Mapping[str, object]) -> Check:
    names = sorted(streamed.keys() | expected.keys())
    wrong = [name for name in names if streamed.get(name) != expected.get(name)]
    if not wrong:
        return Check(subject)
    first = wrong[0]
    return Check(
        subject,
        f"{len(wrong)} of {len(names)}; {first}: {streamed.get(first)}, not {expected.get(first)}",
    )
