"""Results as a table, JSON, JSON lines or CSV, with the same frozen field names in all of them.

A table has lower-case headers, no lines, numbers to the right. Only on a terminal numbers are
shortened (1.2k) and headers dimmed: a pipe gets plain digits.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .options import Options
from .text import printable, short_count, short_duration, short_size

Row = Mapping[str, Any]
_DIM: Final = "\x1b[2m"
_PLAIN: Final = "\x1b[0m"

_SHORT: Final[Mapping[str, Callable[[Any], str]]] = {
    "count": short_count,
    "bytes": short_size,
    "seconds": short_duration,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the rows: its frozen name, and how a table shows it.

    `kind` is text, number (an id or offset: never shortened), count, bytes or seconds; a `wide`
    column is left out of `-o table`.
    """

    name: str
    kind: str = "text"
    wide: bool = False

    @property
    def is_numeric(self) -> bool:
        return self.kind != "text"

    def cell(self, value: Any, *, shorten: bool) -> str:
        """One value as text; None is a dash."""
        if value is None:
            return "-"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list | tuple):
            return ",".join(str(item) for item in value) or "-"
        if shorten and self.kind in _SHORT:
            return _SHORT[self.kind](value)
        if isinstance(value, float):
            return f"{value:.1f}"
        return printable(str(value)) or "-"


def emit(options: Options, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Print the rows in the chosen form."""
    sys.stdout.write(render(options.output or "table", columns, rows, style=_style(options)))


def emit_document(options: Options, document: Row, sections: Iterable[str]) -> None:
    """Print one thing: as JSON, or its prepared table sections with a blank line between."""
    if options.output in ("json", "jsonl"):
        indent = 2 if options.output == "json" else None
        sys.stdout.write(json.dumps(document, indent=indent, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(sections))


@dataclass(frozen=True, slots=True)
class Style:
    """What a table may do for a person's eyes."""

    dim_header: bool = False
    shorten: bool = False


def table_section(
    options: Options, title: str, columns: Sequence[Column], rows: Iterable[Row]
) -> str:
    """A titled table, for `emit_document`; in CSV without the title."""
    form = options.output or "table"
    body = render(form, columns, rows, style=_style(options))
    return body if form == "csv" else f"{title}\n{body}"


def render(
    form: str, columns: Sequence[Column], rows: Iterable[Row], *, style: Style | None = None
) -> str:
    """The rows as text that ends in a newline (JSON lines of no rows: nothing)."""
    if form == "json":
        document = [_picked(columns, row) for row in rows]
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if form == "jsonl":
        return "".join(json.dumps(_picked(columns, row), ensure_ascii=False) + "\n" for row in rows)
    if form == "csv":
        return _csv(columns, rows)
    shown = [column for column in columns if form == "wide" or not column.wide]
    return _table(shown, list(rows), style or Style())


def _style(options: Options) -> Style:
    return Style(dim_header=options.use_color(), shorten=sys.stdout.isatty())


def _picked(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    return {column.name: row[column.name] for column in columns}


def _csv(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row[column.name]) for column in columns])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return value


def _table(columns: Sequence[Column], rows: Sequence[Row], style: Style) -> str:
    header = [column.name.replace("_", " ") for column in columns]
    body = [
        [column.cell(row[column.name], shorten=style.shorten) for column in columns] for row in rows
    ]
    widths = [max(len(line[i]) for line in [header, *body]) for i in range(len(columns))]
    first = _line(header, columns, widths)
    lines = [f"{_DIM}{first}{_PLAIN}" if style.dim_header else first]
    lines += [_line(cells, columns, widths) for cells in body]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if column.is_numeric else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()
