"""Numbers to Markdown: medians of the rounds, one column a server, ratios where there are two."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing: by server, the values of all rounds."""

    name: str
    unit: str
    values: Mapping[str, Sequence[float]]
    more_is_better: bool = True

    def cells(self, servers: Sequence[str]) -> list[str]:
        """The name, a cell for each server, and the ratio of the first to the second."""
        found = {server: median(v) for server, v in self.values.items() if v}
        cells = [self.name]
        cells += [f"{number(found[s])} {self.unit}" if s in found else "-" for s in servers]
        if len(servers) > 1:
            cells.append(self._ratio(found, servers))
        return cells

    def _ratio(self, found: Mapping[str, float], servers: Sequence[str]) -> str:
        ours, theirs = (found.get(server) for server in servers[:2])
        if not ours or not theirs:
            return "-"
        return f"{ours / theirs if self.more_is_better else theirs / ours:.2f}"


def number(value: float) -> str:
    """Three digits that matter: 2.31 M, 45.2 k, 0.46."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def median_text(values: Sequence[float], unit: str = "") -> str:
    """The median, or nothing where nothing was measured."""
    return number(median(values)) + unit if values else ""


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of cells."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def table(rows: Sequence[Row], servers: Sequence[str]) -> str:
    """A Markdown table. The ratio is how many times better the first server is."""
    head = ["", *servers, *(["times better"] if len(servers) > 1 else [])]
    return markdown(head, [row.cells(servers) for row in rows])


def machine() -> str:
    """What this ran on, in one line: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
