"""What an Apache Kafka answered, kept in a file: one line for each story and set of versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conformance.answers import Answer
from tests.conformance.running import Ranges, Transcripts

RECORDING: Final = Path(__file__).parent / "kafka-4.3.jsonl"


@dataclass(frozen=True, slots=True)
class Recording:
    """The versions that the Kafka served, and its answers."""

    ranges: Ranges
    transcripts: Transcripts


def save(recording: Recording, path: Path = RECORDING) -> None:
    """Write the file; versions with the same answers share a line."""
    lines = [json.dumps({"ranges": {str(key): row for key, row in recording.ranges.items()}})]
    lines += [
        json.dumps({"api": api, "case": case, "versions": versions, "answers": json.loads(text)})
        for (api, case, text), versions in _grouped(recording.transcripts).items()
    ]
    path.write_text("\n".join(lines) + "\n")


def merged(old: Recording, new: Recording) -> Recording:
    """The old recording with the new answers to those APIs that the new one has."""
    asked = {title.split(" ", 1)[0] for title in new.transcripts}
    kept = {
        title: answers
        for title, answers in old.transcripts.items()
        if title in new.transcripts or title.split(" ", 1)[0] not in asked
    }
    return Recording(new.ranges, {**kept, **new.transcripts})  # in the old order


def _grouped(transcripts: Transcripts) -> dict[tuple[int, str, str], list[int]]:
    grouped: dict[tuple[int, str, str], list[int]] = {}
    for title, answers in transcripts.items():
        api, version, case = title.split(" ", 2)
        text = json.dumps(answers, sort_keys=True)
        grouped.setdefault((int(api), case, text), []).append(int(version.removeprefix("v")))
    return grouped


def load(path: Path = RECORDING) -> Recording:
    """Read what `save` wrote."""
    first, *rest = path.read_text().splitlines()
    ranges = {int(key): (row[0], row[1]) for key, row in json.loads(first)["ranges"].items()}
    return Recording(ranges, dict(_stories(rest)))


def _stories(lines: list[str]) -> Iterator[tuple[str, list[Answer]]]:
    for line in lines:
        story = json.loads(line)
        for version in story["versions"]:
            yield f"{story['api']} v{version} {story['case']}", story["answers"]
