"""Command classes: common options everywhere, sub-commands imported only when they are called.

`flowlog --help` must come at once, so a group knows its commands by name, module and one line of
help; the module, and what it imports, is loaded for the command that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import click

from . import options
from .exits import ExitCode, close_standard_output

HELP_NAMES: Final[dict[str, Any]] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}


class Command(click.Command):
    """A command with the common options; they come last in its help."""

    connects = True
    prints = True
    logs = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", HELP_NAMES)
        super().__init__(*args, **kwargs)
        self.params.extend(_common(connects=self.connects, prints=self.prints))
        if self.logs:
            self.params.append(options.log_option())

    def invoke(self, ctx: click.Context) -> Any:
        options.of(ctx).configure_logging(least=1 if self.logs else 0)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click itself would end with 1
            close_standard_output()
            ctx.exit(ExitCode.BROKEN_PIPE)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _format_options(self, ctx, formatter)


class LocalCommand(Command):
    """A command that asks no broker."""

    connects = False


class ProcessCommand(Command):
    """A command that runs until it is stopped: it prints no table and logs what happens."""

    connects = False
    prints = False
    logs = True


class Group(click.Group):
    """A group with the common options whose commands may live in modules not yet imported."""

    command_class = Command

    def __init__(
        self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("context_settings", HELP_NAMES)
        kwargs.setdefault("subcommand_metavar", "COMMAND [ARGS]...")
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy or {})
        self.params.extend(_common(connects=True, prints=True))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy, *(name for name in self.commands if name not in self._lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in self._lazy:
            module, _help = self._lazy[cmd_name]
            command = import_module(module).command
            assert isinstance(command, click.Command), f"{module}.command is not a command"
            self.add_command(command, cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            close = get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise click.UsageError(f"no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click's, but without importing the commands for their help lines."""
        rows = []
        for name in self.list_commands(ctx):
            if name in self._lazy:
                rows.append((name, self._lazy[name][1]))
            else:
                rows.append((name, self.commands[name].get_short_help_str(limit=80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _common(*, connects: bool, prints: bool) -> list[click.Parameter]:
    connection = options.connection_options() if connects else []
    output = options.output_options() if prints else []
    return [*connection, *output, *options.talk_options()]


def _format_options(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Common options": []}
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is not None and isinstance(parameter, click.Option):
            common = getattr(parameter, "is_common", False) or parameter.name == "help"
            sections["Common options" if common else "Options"].append(row)
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)
