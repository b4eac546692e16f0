"""Asking before something is lost for good."""

from __future__ import annotations

import sys

from flowlog.errors import FlowlogError


def confirm(name: str, warning: str) -> None:
    """Have the person type the name; without a terminal, refuse.

    Raises:
        FlowlogError: CONFIRMATION_NEEDED.
    """
    if sys.stdin.isatty():
        print(f"{warning}; type {name!r} to go on: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() == name:
            return
    raise FlowlogError(
        f"{warning}, and it was not confirmed", code="CONFIRMATION_NEEDED", hint="add --yes"
    )
