"""Sections of `flowlog log dump`: which files to show, and how rows are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Final

import click

from flowlog.broker.storage.inspect.directory_facts import is_data_directory
from flowlog.broker.storage.inspect.reading import ReadableFiles
from flowlog.errors import ConfigError

from .log_directory_rows import directory_sections
from .log_records import Decoder, record_line
from .log_rows import Row, Section, file_section, folder_paths
from .options import Options
from .output import Column, Style, render
from .text import printable

_BLOCK: Final = 1000
"""Rows of a table that are held at once; each block has its own header."""


def sections(
    files: ReadableFiles, path: str, *, with_records: bool, decoder: Decoder | None
) -> Iterator[Section]:
    """What to show of an absolute path.

    Raises:
        ConfigError: a file whose name does not say what is in it.
    """
    if os.path.isdir(path):
        if is_data_directory(files, path):
            yield from directory_sections(files, path)
            return
        for inner in folder_paths(files, path):
            found = file_section(files, inner, with_records=with_records, decoder=decoder)
            if found is not None:
                yield found
        return
    section = file_section(files, path, with_records=with_records, decoder=decoder)
    if section is None:
        raise ConfigError(
            f"the name of {path} does not say what is in it",
            hint="as in 00000000000000000000.log, .index, .timeindex, .snapshot, .txnindex",
        )
    yield section


class LinesPrinter:
    """JSON lines: each row with its file and kind."""

    def section(self, section: Section) -> None:
        """Print what can be read; raises what the rows raise."""
        for row in section.rows:
            self._row({"file": section.path, "kind": section.kind, **row})

    def _row(self, row: Row) -> None:
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Nothing is open."""


class JsonPrinter(LinesPrinter):
    """One list that grows while rows come."""

    def __init__(self) -> None:
        self._before = "[\n  "

    def _row(self, row: Row) -> None:
        sys.stdout.write(self._before + json.dumps(row, ensure_ascii=False))
        self._before = ",\n  "

    def close(self) -> None:
        sys.stdout.write("[]\n" if self._before.startswith("[") else "\n]\n")


class TablePrinter(LinesPrinter):
    """For each file its name and a table; records are lines below their batch."""

    def __init__(self, form: str, style: Style) -> None:
        self._form = form
        self._style = style
        self._is_first = True

    def section(self, section: Section) -> None:
        sys.stdout.write(f"{'' if self._is_first else chr(10)}{printable(section.path)}\n")
        self._is_first = False
        block: list[Row] = []
        try:
            for row in section.rows:
                if row.get("kind") == "record":
                    self._batch_line(section.columns, block)
                    sys.stdout.write(record_line(row) + "\n")
                else:
                    block.append(row)
                if len(block) == _BLOCK:
                    self._block(section.columns, block)
        finally:
            self._block(section.columns, block)

    def _batch_line(self, columns: tuple[Column, ...], block: list[Row]) -> None:
        """The batch that the records belong to, in one line."""
        for row in block:
            shown = (
                f"{c.name}={c.cell(row[c.name], shorten=False)}" for c in columns if not c.wide
            )
            sys.stdout.write(f"batch  {'  '.join(shown)}\n")
        block.clear()

    def _block(self, columns: tuple[Column, ...], block: list[Row]) -> None:
        if block:
            sys.stdout.write(render(self._form, columns, block, style=self._style))
            block.clear()


def section_printer(chosen: Options) -> LinesPrinter:
    """Raises click.UsageError for CSV, which has one table and here are many."""
    if chosen.output == "csv":
        raise click.UsageError("dump writes tables, json or jsonl")
    if chosen.output == "json":
        return JsonPrinter()
    if chosen.output == "jsonl":
        return LinesPrinter()
    return TablePrinter(chosen.output or "table", Style(dim_header=chosen.use_color()))
