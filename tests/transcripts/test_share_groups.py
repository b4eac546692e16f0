"""Stories of share groups' members, replayed against the core."""

from __future__ import annotations

from pathlib import Path

import pytest

from .replaying import check, stories
from .share_group_story import ShareGroupStory

STORIES = stories("share_groups")


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_group_behaves_as_in_the_transcript(path: Path) -> None:
    check(path, ShareGroupStory)


def test_there_are_stories() -> None:
    assert STORIES
