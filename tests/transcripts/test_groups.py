"""Stories of classic groups, replayed against the core; their diffs are for reviewing.

To write what happens now into the transcripts: FLOWLOG_REWRITE_TRANSCRIPTS=1 pytest tests/transcripts
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .group_story import GroupStory

STORIES = sorted(Path(__file__).parent.glob("groups/*.txt"))


def replay(transcript: str) -> str:
    """The transcript with what really happens behind each `->`."""
    told = []
    story = GroupStory(initial_rebalance_delay_ms=0)
    for line in transcript.splitlines():
        command = line.partition("->")[0].strip()
        if not command or command.startswith("#"):
            told.append(line)
        elif command.startswith("config "):
            words = (word.split("=") for word in command.split()[1:])
            story = GroupStory(**{key: int(value) for key, value in words})
            told.append(line)
        else:
            told.append(f"{command:<38} -> {story.play(command)}")
    return "\n".join(told) + "\n"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_group_behaves_as_in_the_transcript(path: Path) -> None:
    expected = path.read_text()
    happened = replay(expected)
    if os.environ.get("FLOWLOG_REWRITE_TRANSCRIPTS"):
        path.write_text(happened)
    assert happened == expected


def test_there_are_stories() -> None:
    assert STORIES
