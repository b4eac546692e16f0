from __future__ import annotations

import pytest

import flowlog as fl
from flowlog.streams.errors import StateError
from flowlog.streams.runtime.renames import refuse_renamed
from flowlog.streams.topology.topology import Topology


def counting(*tables: str) -> Topology:
    app = fl.App("app")
    lines = app.topic("lines", value=str)
    for table in tables:
        lines.count(name=table)
    return app.topology()


def test_a_new_table_beside_a_left_changelog_is_refused() -> None:
    with pytest.raises(StateError, match="table new is new and the state of table old") as caught:
        refuse_renamed(counting("new"), {"old"}, {"app-old-changelog"})
    assert caught.value.code == "STORE_RENAMED"
    assert "delete topic app-old-changelog" in caught.value.hint


@pytest.mark.parametrize(
    ("tables", "known", "topics"),
    [
        pytest.param(["a"], set(), {"app-b-changelog"}, id="of another app: app-b"),
        pytest.param(["a"], {"b"}, set(), id="given up"),
        pytest.param(["a"], {"a", "b"}, {"app-a-changelog", "app-b-changelog"}, id="removed"),
        pytest.param(["a", "b"], {"a"}, {"app-a-changelog"}, id="added"),
    ],
)
def test_other_changes_are_none_of_its_business(
    tables: list[str], known: set[str], topics: set[str]
) -> None:
    refuse_renamed(counting(*tables), known, topics)
