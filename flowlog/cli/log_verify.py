"""Findings of `flowlog log verify`, gathered and printed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.inspect.findings import Circumstances, Finding, Tally
from flowlog.broker.storage.inspect.reading import ReadOnlyFiles
from flowlog.broker.storage.inspect.verify import data_directory_of, verify_path

from .log_topics import read_topics
from .options import Options
from .output import Column, render
from .text import printable

COLUMNS: Final = (Column("file"), Column("position", "number"), Column("what"))
_SETTLE_S: Final = 0.05


def findings(
    chosen: Options,
    paths: Iterable[str],
    *,
    decode_records: bool,
    is_compacted: bool,
    tally: Tally,
) -> Iterator[Finding]:
    """Findings at absolute paths. Raises OSError for a path that cannot be listed."""
    files = ReadOnlyFiles()
    common = Circumstances(
        decode_records=decode_records,
        is_compacted=is_compacted,
        tally=tally,
        settle=lambda: time.sleep(_SETTLE_S),
    )
    for path in paths:
        home = data_directory_of(files, path)
        topics = None if home is None else read_topics(files, home)
        if home is not None and not files.exists(f"{home}/{df.CLEAN_MARKER}"):
            chosen.note(
                f"{home} is in use, or was not stopped cleanly: "
                "the growing ends of its logs may be in motion"
            )
        yield from verify_path(
            files, path, is_directory=os.path.isdir(path), topics=topics, common=common
        )


def print_findings(chosen: Options, found: Iterator[Finding]) -> int:
    """Print each as it comes (JSON and CSV: at the end); how many there were."""
    if chosen.output in ("json", "csv"):
        rows = [_row(finding) for finding in found]
        sys.stdout.write(render(chosen.output, COLUMNS, rows))
        return len(rows)
    count = 0
    for finding in found:
        count += 1
        if chosen.output == "jsonl":
            line = json.dumps(_row(finding), ensure_ascii=False)
        else:
            line = printable(str(finding)).replace("\n", "\\n")
        sys.stdout.write(line + "\n")
    return count


def _row(finding: Finding) -> dict[str, object]:
    return {"file": finding.path, "position": finding.position, "what": finding.what}
