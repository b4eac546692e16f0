"""The `flowlog` command: its table of commands, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import Final

import click

import flowlog
from flowlog.errors import FlowlogError

from . import options
from .commands import Group
from .exits import ExitCode, close_standard_output, exit_code, first_cause, report

COMMANDS: Final = {
    "dev": (
        "flowlog.cli.dev",
        "Run a broker, and a worker for APP (module:attr or file.py), until Ctrl-C.",
    ),
    "demo": (
        "flowlog.cli.demo",
        "Watch a month of real flights being counted by a Python function.",
    ),
    "broker": ("flowlog.cli.broker", "Run a broker until SIGTERM or Ctrl-C."),
    "worker": (
        "flowlog.cli.worker",
        "Run APP (module:attr or file.py[:attr]) until SIGTERM or Ctrl-C.",
    ),
    "topics": ("flowlog.cli.topics", "List, describe, create, change and delete topics."),
    "produce": (
        "flowlog.cli.produce",
        "Write lines of FILE or standard input to TOPIC as records.",
    ),
    "consume": (
        "flowlog.cli.consume",
        "Print the records of topics as they come, from the end unless told otherwise.",
    ),
    "groups": ("flowlog.cli.groups", "Look at consumer groups, their lag, and reset them."),
    "txn": ("flowlog.cli.txn", "Look at transactions, find those that hang, and abort them."),
    "state": ("flowlog.cli.state", "Look into a running app's tables."),
    "bench": ("flowlog.cli.bench", "Measure how fast a cluster takes and gives records."),
    "log": ("flowlog.cli.log", "Look into log files, and check them, without a broker."),
    "topology": ("flowlog.cli.topology", "Show an app's graph without connecting anywhere."),
}


@click.group(cls=Group, lazy=COMMANDS, epilog="Works with any Kafka broker, not only flowlog's.")
@click.version_option(flowlog.__version__, prog_name="flowlog", message="%(prog)s %(version)s")
def cli() -> None:
    """Stream processing in Python with a built-in broker that speaks the Kafka protocol."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    chosen = options.Options()
    try:
        result = cli.main(arguments, prog_name="flowlog", standalone_mode=False, obj=chosen)
        sys.stdout.flush()
        return result if isinstance(result, int) else ExitCode.OK
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return ExitCode.USAGE
    except click.ClickException as error:
        report(_usage_error(error))
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        close_standard_output()
        return ExitCode.BROKEN_PIPE
    except Exception as raised:
        cause = first_cause(raised)
        report(cause, with_traceback=chosen.verbosity >= 2)
        return exit_code(cause)


def _usage_error(error: click.ClickException) -> FlowlogError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "flowlog"
    return FlowlogError(
        error.format_message().rstrip("."), code="USAGE", try_command=f"{path} --help"
    )


if __name__ == "__main__":
    sys.exit(main())
