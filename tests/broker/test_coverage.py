"""What is advertised is served, and the page about it is current."""

from __future__ import annotations

from pathlib import Path

from flowlog.broker.handlers.coverage import NOT_SERVED, table
from flowlog.broker.handlers.registry import MODULES, load_apis
from flowlog.broker.wire.versions import has_version

ROOT = Path(__file__).parents[2]


def test_every_served_version_has_a_message() -> None:
    for api in load_apis().values():
        for version in range(api.min_served_version, api.max_version + 1):
            assert has_version(api.key, version), f"{api.name} {version}"


def test_every_handler_module_is_registered() -> None:
    folder = ROOT / "flowlog" / "broker" / "handlers"
    handlers = {path.stem for path in folder.glob("*.py") if "\nAPI_KEY: " in path.read_text()}
    assert handlers == set(MODULES)


def test_the_table_in_the_documentation_is_current() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text()
    assert table() in page, "run scripts/protocol-table"


def test_no_reason_is_given_for_an_api_that_is_served() -> None:
    assert NOT_SERVED.keys() & load_apis().keys() == set()
