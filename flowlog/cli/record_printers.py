"""Records on standard output: lines in a format, JSON lines, or one JSON document."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from .options import Options
from .record_lines import compile_format, record_json
from .text import printable

if TYPE_CHECKING:
    from flowlog.client.records import ReceivedRecord


class RecordPrinter:
    """Writes records to standard output, line by line."""

    def __init__(self, line: Callable[[ReceivedRecord], str], *, safe: bool = False) -> None:
        self._line = line
        self._safe = safe
        self._out = sys.stdout

    def record(self, record: ReceivedRecord) -> None:
        line = self._line(record)
        self._out.write(printable(line) if self._safe else line)

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> None:
        """Nothing is open at the end of lines."""


class JsonPrinter(RecordPrinter):
    """One JSON document: a list that grows while records come."""

    def __init__(self) -> None:
        super().__init__(record_json)
        self._before = "[\n  "

    def record(self, record: ReceivedRecord) -> None:
        self._out.write(self._before + self._line(record).rstrip("\n"))
        self._before = ",\n  "

    def close(self) -> None:
        self._out.write("[]\n" if self._before.startswith("[") else "\n]\n")


def record_printer(chosen: Options, form: str | None) -> RecordPrinter:
    if chosen.output == "json":
        return JsonPrinter()
    if chosen.output == "jsonl":
        return RecordPrinter(record_json)
    if chosen.output == "csv":
        raise click.UsageError("consume writes lines, json or jsonl")
    on_terminal = sys.stdout.isatty()
    return RecordPrinter(compile_format(form or _default_format(on_terminal)), safe=on_terminal)


def _default_format(on_terminal: bool) -> str:
    return "%t %p:%o  %D  %k  %v" if on_terminal else "%v"
