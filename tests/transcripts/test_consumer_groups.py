"""Stories of KIP-848 groups, and of groups that change their protocol, replayed against the core."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mixed_group_story import MixedGroupStory
from .replaying import check, stories

STORIES = stories("consumer_groups")


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_group_behaves_as_in_the_transcript(path: Path) -> None:
    check(path, MixedGroupStory)


def test_there_are_stories() -> None:
    assert STORIES
