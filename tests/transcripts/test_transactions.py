"""Stories of transactions, replayed against the core of their coordinator."""

from __future__ import annotations

from pathlib import Path

import pytest

from .replaying import check, stories
from .transaction_story import TransactionStory

STORIES = stories("transactions")


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_transaction_goes_as_in_the_transcript(path: Path) -> None:
    check(path, TransactionStory)


def test_there_are_stories() -> None:
    assert STORIES
