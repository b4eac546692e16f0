"""What was measured, by job and framework, and the table made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import report
from benchmarks.streams.drain import Drained

_HEAD = (
    "",
    "",
    "events/s",
    "flowlog, times faster",
    "worker CPU, µs an event",
    "broker CPU, µs an event",
    "peak memory",
)


@dataclass(slots=True)
class _Cell:
    """The rounds of one job in one framework."""

    rates: list[float] = field(default_factory=list)
    worker_us: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)


class Results:
    """Filled round by round; the table has the medians. The first framework is compared."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._cells: dict[tuple[str, str], _Cell] = {}

    def add(self, job: str, name: str, done: Drained, server_cpu_s: float | None) -> None:
        """`server_cpu_s`: what the broker used from before the input was written."""
        cell = self._cells.setdefault((job, name), _Cell())
        cell.rates.append(done.rate)
        cell.worker_us.append(done.cpu_s * 1e6 / done.count)
        if server_cpu_s is not None:
            cell.server_us.append(server_cpu_s * 1e6 / done.count)
        if done.peak_mb is not None:
            cell.peak_mb.append(done.peak_mb)

    def table(self, titles: Mapping[str, str]) -> str:
        """A Markdown table, one line a job and framework."""
        rows = [
            [title, name, *self._figures(job, name)]
            for job, title in titles.items()
            for name in self._names
            if (job, name) in self._cells
        ]
        return report.markdown(_HEAD, rows)

    def _figures(self, job: str, name: str) -> list[str]:
        cell = self._cells[job, name]
        own = self._cells.get((job, self._names[0]))
        is_other = own is not None and name != self._names[0]
        return [
            report.median_text(cell.rates),
            f"{median(own.rates) / median(cell.rates):.1f}" if own and is_other else "",
            report.median_text(cell.worker_us),
            report.median_text(cell.server_us),
            report.median_text(cell.peak_mb, "MB"),
        ]
