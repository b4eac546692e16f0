"""Options that every command takes, before or after its name, and what they add up to.

`flowlog -b HOST:PORT topics list` and `flowlog topics list -b HOST:PORT` mean the same; the
innermost wins. Environment: FLOWLOG_BOOTSTRAP, FLOWLOG_TIMEOUT, NO_COLOR.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import click
from click.core import ParameterSource

OUTPUTS: Final = ("table", "wide", "json", "jsonl", "csv")
_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@dataclass
class Options:
    """The common options of one run; one object per process, filled while arguments are read."""

    bootstrap: str = ""
    properties: list[str] = field(default_factory=list)
    timeout_s: float = 0.0
    output: str = ""
    quiet: bool = False
    verbosity: int = 0
    color: bool | None = None
    log_level: str = ""

    def cluster(self) -> Any:
        """The cluster that the options name, not connected yet."""
        from flowlog.client.cluster import Cluster
        from flowlog.client.settings import (
            DEFAULT_BOOTSTRAP,
            DEFAULT_TIMEOUT_S,
            ClientSettings,
            parse_property,
        )

        return Cluster(
            ClientSettings(
                bootstrap=self.bootstrap or DEFAULT_BOOTSTRAP,
                properties=dict(parse_property(text) for text in self.properties),
                timeout_s=self.timeout_s or DEFAULT_TIMEOUT_S,
            ),
            on_wait=self.note,
        )

    def note(self, text: str) -> None:
        """Say something beside the output: on standard error, not with --quiet."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def configure_logging(self, *, least: int = 0) -> None:
        """Log to standard error: warnings; with -v what happens, with -vv all; with -q errors.

        `least` is the verbosity that counts as none given.
        """
        verbosity = max(self.verbosity, least)
        level = _LEVELS[min(verbosity, 2)]
        if self.quiet:
            level = logging.ERROR
        if self.log_level:
            level = getattr(logging, self.log_level.upper())
        logging.basicConfig(level=level, format=_LOG_FORMAT, force=True)
        # A refused connection is reported once, as the command's error; librdkafka repeats it.
        librdkafka = logging.CRITICAL if verbosity == 0 else level
        logging.getLogger("flowlog.client.librdkafka").setLevel(librdkafka)

    def use_color(self, stream: Any = None) -> bool:
        """Whether to colour what goes to the stream (standard output unless given)."""
        if self.color is not None:
            return self.color
        return bool((stream or sys.stdout).isatty())


def current() -> Options:
    """The running command's common options."""
    return of(click.get_current_context())


def of(context: click.Context) -> Options:
    """The common options of the run that the context belongs to."""
    root = context.find_root()
    if not isinstance(root.obj, Options):
        root.obj = Options()
    return root.obj


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        options = of(context)
        if name == "properties":
            options.properties.extend(value)
        elif name == "no_color":
            options.color = False if value else options.color
        elif name == "verbosity":
            options.verbosity = max(options.verbosity, value)
        elif value and not (_from_environment(context, parameter) and getattr(options, name)):
            setattr(options, name, value)

    return callback


def _from_environment(context: click.Context, parameter: click.Parameter) -> bool:
    """A variable is seen again at every level, and must not undo an option of an outer one."""
    assert parameter.name is not None
    return context.get_parameter_source(parameter.name) is ParameterSource.ENVIRONMENT


def _option(name: str, *flags: str, **settings: Any) -> click.Option:
    option = click.Option([*flags], expose_value=False, callback=_store(name), **settings)
    option.is_common = True  # type: ignore[attr-defined]
    return option


def connection_options() -> list[click.Parameter]:
    """How to reach a cluster."""
    return [
        _option(
            "bootstrap",
            "-b",
            "--bootstrap",
            metavar="HOST:PORT,...",
            envvar="FLOWLOG_BOOTSTRAP",
            help="Brokers to ask first (default 127.0.0.1:9092).",
        ),
        _option(
            "properties",
            "-X",
            "--property",
            metavar="KEY=VALUE",
            multiple=True,
            help="A librdkafka property, such as security.protocol=ssl.",
        ),
        _option(
            "timeout_s",
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            envvar="FLOWLOG_TIMEOUT",
            help="How long to wait for the brokers (default 10).",
        ),
    ]


def output_options() -> list[click.Parameter]:
    """How results are printed."""
    return [
        _option(
            "output",
            "-o",
            "--output",
            type=click.Choice(OUTPUTS),
            help="table (default), wide, json (one document), jsonl (a line each), csv.",
        ),
    ]


def talk_options() -> list[click.Parameter]:
    """How much is said beside the results."""
    return [
        _option("quiet", "-q", "--quiet", is_flag=True, help="Only errors on standard error."),
        _option("verbosity", "-v", "--verbose", count=True, help="More; -vv with tracebacks."),
        _option("no_color", "--no-color", is_flag=True, envvar="NO_COLOR", help="No colours."),
    ]


def log_option() -> click.Parameter:
    """How much a process that keeps running logs."""
    return _option(
        "log_level",
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        help="Instead of -q and -v (default info).",
    )
