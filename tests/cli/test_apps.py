"""Finding a user's app, and saying what is wrong with it in a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlog.cli.apps import AppTarget, load_app, parse_target
from flowlog.errors import FlowlogError

# What `is_app` recognises, without needing the streams package.
APP_CLASS = """
class App:
    def __init__(self, name): self.name = name
App.__module__ = "flowlog.streams.app"
"""


@pytest.fixture(autouse=True)
def _own_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty current folder; imports forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(APP_CLASS + text)
    return name


def refused(target: str) -> FlowlogError:
    with pytest.raises(FlowlogError) as caught:
        load_app(target)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_app_of_a_file_is_the_one_named_app() -> None:
    write("shop.py", "other = App('other')\napp = App('shop')\n")
    assert load_app("shop.py").name == "shop"


def test_a_files_only_app_needs_no_name() -> None:
    write("sub/shop.py", "it = App('shop')\nalias = it\n")
    assert load_app("sub/shop.py").name == "shop"


def test_an_attribute_chooses_among_several() -> None:
    write("shop.py", "a = App('a')\nb = App('b')\n")
    assert load_app("shop.py:b").name == "b"
    assert load_app("shop:a").name == "a"
    assert refused("shop.py").args[0] == "shop has several apps: a, b"


def test_a_module_in_a_package_is_found_from_the_current_folder() -> None:
    write("pack/__init__.py", "")
    write("pack/deep.py", "app = App('deep')\n")
    assert load_app("pack.deep:app").name == "deep"


def test_a_file_may_import_its_neighbours() -> None:
    write("sub/names.py", "NAME = 'from neighbour'\n")
    write("sub/shop.py", "import names\napp = App(names.NAME)\n")
    assert load_app("sub/shop.py").name == "from neighbour"


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        pytest.param("shpo.py", "did you mean 'shop.py'?", id="file misspelt"),
        pytest.param("shop.py:ap", "did you mean 'app'?", id="attribute misspelt"),
        pytest.param("shop.py:NUMBER", "did you mean 'app'?", id="attribute is no app"),
        pytest.param("nothing.here", "give a file as in app.py", id="no such module"),
        pytest.param("empty.py", 'as in app = fl.App("shop")', id="no app in it"),
    ],
)
def test_an_app_that_is_not_there_comes_with_a_hint(target: str, hint: str) -> None:
    write("shop.py", "app = App('shop')\nNUMBER = 3\n")
    write("empty.py", "")
    error = refused(target)
    assert error.code == "APP_NOT_FOUND"
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param("def f(:\n", "shop.py:5: SyntaxError: invalid syntax", "def f(:", id="syntax"),
        pytest.param(
            "x = 1\ny = x / 0\n", "shop.py:6: ZeroDivisionError", "y = x / 0", id="raises"
        ),
        pytest.param(
            "import absent_one\n", "shop.py:5: ModuleNotFoundError", "import", id="import"
        ),
    ],
)
def test_an_app_that_fails_names_the_users_line(text: str, message: str, hint: str) -> None:
    write("shop.py", text)
    error = refused("shop.py")
    assert error.code == "APP_FAILED"
    assert str(error).startswith(message)
    assert error.hint.startswith(hint)


def test_an_app_that_failed_is_imported_anew_the_next_time() -> None:
    write("shop.py", "x = 1 / 0\n")
    refused("shop.py")
    write("shop.py", "app = App('mended')\n")
    assert load_app("shop.py").name == "mended"


def test_what_to_watch_is_the_file_or_the_package() -> None:
    write("shop.py", "")
    write("pack/__init__.py", "")
    assert parse_target("shop.py").source() == Path("shop.py").absolute()
    assert parse_target("pack.deep:app").source() == Path("pack").absolute()
    assert parse_target("absent.module").source() is None


def test_targets() -> None:
    write("a.py", "")
    assert parse_target("mod.sub") == AppTarget("mod.sub", None, "")
    assert parse_target("mod:app") == AppTarget("mod", None, "app")
    assert parse_target("a.py:app") == AppTarget("a", Path("a.py").absolute(), "app")
