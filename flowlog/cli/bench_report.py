"""What a benchmark measured, printed: one row, the same numbers in each form."""

from __future__ import annotations

import sys
from typing import Any, Final

from .options import Options
from .output import Column, Style, emit_document, render

_LATENCY: Final = ("avg_ms", "p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")
_RATES: Final = ("seconds", "records_per_second", "mb_per_second")
PRODUCE: Final = ("records", "failed", *_RATES, *_LATENCY)
CONSUME: Final = (
    "records",
    "mb",
    *_RATES,
    "rebalance_ms",
    "fetch_ms",
    "fetch_records_per_second",
    "fetch_mb_per_second",
)
LATENCY: Final = ("records", "record_size", *_RATES, *_LATENCY)


def show_result(chosen: Options, names: tuple[str, ...], result: dict[str, Any]) -> None:
    """One row; numbers as they are, not shortened: they are there to be compared."""
    if chosen.output in ("json", "jsonl"):
        emit_document(chosen, result, ())
        return
    columns = [Column(name, "number") for name in names]
    row = {name: _text(result[name]) for name in names}
    style = Style(dim_header=chosen.use_color())
    sys.stdout.write(render(chosen.output or "table", columns, [row], style=style))


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
