"""Transcripts: what each line of a story brings about, behind its `->`; the diffs are for reviewing.

To write what happens now into the transcripts: FLOWLOG_REWRITE_TRANSCRIPTS=1 pytest tests/transcripts
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Story(Protocol):
    """Something that lines can be played to."""

    def play(self, line: str) -> str: ...


def stories(folder: str) -> list[Path]:
    return sorted(Path(__file__).parent.joinpath(folder).glob("*.txt"))


def replay(transcript: str, new_story: Callable[..., Story]) -> str:
    """The transcript with what really happens; `config` begins the story with those settings."""
    told: list[str] = []
    story = new_story()
    for line in transcript.splitlines():
        command = line.partition("->")[0].strip()
        if not command or command.startswith("#"):
            told.append(line)
        elif command.startswith("config "):
            words: Any = (word.split("=") for word in command.split()[1:])
            story = new_story(**{key: int(value) for key, value in words})
            told.append(line)
        else:
            told.append(f"{command:<38} -> {story.play(command)}")
    return "\n".join(told) + "\n"


def check(path: Path, new_story: Callable[..., Story]) -> None:
    """See that the story still goes as its transcript says."""
    expected = path.read_text()
    happened = replay(expected, new_story)
    if os.environ.get("FLOWLOG_REWRITE_TRANSCRIPTS"):
        path.write_text(happened)
    assert happened == expected
