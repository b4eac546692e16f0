"""The page about compatibility says what the comparison holds."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    written = (ROOT / "docs" / "compatibility.md").read_text()
    assert written == page(), "run scripts/protocol-table"
