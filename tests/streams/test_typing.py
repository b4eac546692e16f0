"""The decorators' types, as `mypy --strict` sees them in a user's program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).parent

MISTAKES = """
import flowlog as fl
app = fl.App("wrong")
names = app.topic("names", value=str)
numbers = app.topic("numbers", value=int)

@app.stream(names)
def wrong_argument(name: int) -> int:
    return name

@app.stream(names)
def right(name: str) -> str:
    return name

right.to(numbers)
right.group_by(lambda name: name.nothing, name="x")

@app.table(names)
def wrong_fold(state: int, name: str) -> str:
    return name
"""


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def check(path: Path, cache: Path) -> str:
    output, errors, _ = api.run(
        [
            "--strict",
            "--follow-imports=silent",
            f"--cache-dir={cache}",
            "--config-file",
            os.fspath(HERE.parents[1] / "pyproject.toml"),
            os.fspath(path),
        ]
    )
    assert errors == ""
    return output


def test_what_a_user_writes_has_precise_types(mypy_cache: Path) -> None:
    output = check(HERE / "typed_example.py", mypy_cache)
    assert output.startswith("Success"), output


def test_mistakes_are_found_before_anything_runs(mypy_cache: Path, tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text(MISTAKES)
    output = check(program, mypy_cache)
    lines = {int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line}
    text = MISTAKES.splitlines()
    found = {text[number - 1].strip() for number in lines}
    assert {"@app.stream(names)", "right.to(numbers)", "@app.table(names)"} <= found
    assert any("name.nothing" in line for line in found)
