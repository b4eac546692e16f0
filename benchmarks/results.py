"""What was measured on each server, round by round, and the tables made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import report

_PER_RECORD = ("rec/s", "req/s")


@dataclass(slots=True)
class Cell:
    """One server's figures for one line, a value a round."""

    values: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """One measured thing, by server. Where the unit is a time, less is better."""

    name: str
    unit: str
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def more_is_better(self) -> bool:
        return self.unit in _PER_RECORD

    def times_better(self, ours: str, theirs: str) -> str:
        """How many times better the first server's median is; nothing where one is missing."""
        if ours not in self.cells or theirs not in self.cells:
            return ""
        own, other = (median(self.cells[server].values) for server in (ours, theirs))
        return f"{own / other if self.more_is_better else other / own:.2f}"


class Results:
    """Lines by area, in the order in which they came; of one server, or of two that are compared."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._servers = servers
        self._areas: dict[str, dict[str, Line]] = {}

    def add(
        self,
        area: str,
        name: str,
        unit: str,
        server: str,
        value: float,
        *,
        cpu: float | None = None,
        memory_mb: float | None = None,
    ) -> None:
        """One round's figure.

        Args:
            cpu: of the server: microseconds a record or request, or seconds where the unit is a time.
            memory_mb: resident in the server afterwards.
        """
        line = self._areas.setdefault(area, {}).setdefault(name, Line(name, unit))
        cell = line.cells.setdefault(server, Cell())
        cell.values.append(value)
        if cpu is not None:
            cell.cpu.append(cpu)
        if memory_mb is not None:
            cell.memory_mb.append(memory_mb)

    def tables(self) -> Iterator[tuple[str, str]]:
        """The title and the Markdown table of each area."""
        head = ["", *self._servers, *(["times better"] if len(self._servers) > 1 else [])]
        head += [f"CPU {server}" for server in self._servers]
        head += [f"memory {server}" for server in self._servers]
        for area, lines in self._areas.items():
            rows = [self._row(line) for line in lines.values()]
            used = [at for at in range(len(head)) if at == 0 or any(row[at] for row in rows)]
            kept = [[row[at] for at in used] for row in rows]
            yield area, report.markdown([head[at] for at in used], kept)

    def _row(self, line: Line) -> list[str]:
        first, *others = self._servers
        cells = [line.cells.get(server, Cell()) for server in self._servers]
        row = [line.name, *(report.median_text(cell.values, line.unit) for cell in cells)]
        row += [line.times_better(first, other) for other in others]
        row += [report.median_text(cell.cpu, _cpu_unit(line)) for cell in cells]
        return row + [report.median_text(cell.memory_mb, "MB") for cell in cells]


def _cpu_unit(line: Line) -> str:
    return "µs" if line.unit in _PER_RECORD else "s"
