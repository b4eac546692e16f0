"""The table of commands and the options that all of them take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import click
import pytest

import flowlog
from flowlog.cli.main import COMMANDS, cli
from flowlog.cli.options import Options, of

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_line_in_the_table_is_the_commands_own(name: str) -> None:
    module, text = COMMANDS[name]
    command = import_module(module).command
    assert command.get_short_help_str(limit=200).rstrip(".") == text.rstrip(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_sub_command_has_help(name: str, run: Run) -> None:
    code, out, _err = run(name, "-h")
    assert code == 0
    assert out.startswith(f"Usage: flowlog {name}")
    command = import_module(COMMANDS[name][0]).command
    for sub_name, sub in getattr(command, "commands", {}).items():
        assert sub.help, f"{name} {sub_name} has no help"
        assert run(name, sub_name, "--help")[0] == 0


def test_help_imports_no_command_and_no_client_library() -> None:
    code = (
        "import sys; from flowlog.cli.main import main; main(['--help']); "
        "heavy = {'confluent_kafka', 'rich', 'asyncio', 'flowlog.cli.topics', 'kio'}; "
        "sys.exit(', '.join(heavy & sys.modules.keys()) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"flowlog {flowlog.__version__}\n", "")


def test_without_a_command_the_help_is_shown_and_the_exit_code_is_2(run: Run) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err.startswith("Usage: flowlog")


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Options]:
    """What the common options add up to for some arguments of `flowlog topics list`."""

    def parse(*arguments: str, **environ: str) -> Options:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with cli.make_context("flowlog", list(arguments), obj=Options()) as context:
            _name, group, rest = cli.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            assert isinstance(group, click.Group)
            with group.make_context("topics", rest, parent=context) as inner:
                _name, leaf, rest = group.resolve_command(
                    inner, [*inner._protected_args, *inner.args]
                )
                assert leaf is not None
                with leaf.make_context("list", rest, parent=inner) as last:
                    return of(last)

    return parse


def test_common_options_may_stand_before_or_after_the_command(
    parsed: Callable[..., Options],
) -> None:
    before = parsed("-b", "a:1", "-X", "k=v", "topics", "list")
    after = parsed("topics", "list", "-b", "a:1", "-X", "k=v")
    assert before == after
    assert (before.bootstrap, before.properties) == ("a:1", ["k=v"])


def test_the_innermost_option_wins_and_all_win_over_the_environment(
    parsed: Callable[..., Options],
) -> None:
    assert parsed("topics", "list", FLOWLOG_BOOTSTRAP="env:1").bootstrap == "env:1"
    assert parsed("-b", "outer:1", "topics", "list").bootstrap == "outer:1"
    assert parsed("-b", "outer:1", "topics", "list", "-b", "inner:1").bootstrap == "inner:1"


def test_colour_is_off_when_the_environment_or_an_option_says_so(
    parsed: Callable[..., Options],
) -> None:
    assert parsed("topics", "list", "--no-color").color is False
    assert parsed("topics", "list", NO_COLOR="1").color is False
