"""Names of steps, stores and topics: from functions and from what the user gave, never counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from flowlog.errors import ConfigError

_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")


def step_name(function: Callable[..., Any]) -> str:
    """`page_stats` as `page-stats`.

    Raises:
        ConfigError: a lambda, whose name says nothing.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if name == "<lambda>":
        raise ConfigError("a lambda has no name", hint='give one, as in name="by-word"')
    return name.strip("_").replace("_", "-") or name


def checked_name(name: str, what: str) -> str:
    """A name that Kafka takes.

    Raises:
        ConfigError: it does not.
    """
    if not _LEGAL.fullmatch(name) or name in (".", ".."):
        raise ConfigError(
            f"{what} name {name!r} is not allowed", hint="letters, digits, '.', '_' and '-' only"
        )
    return name


def repartition_topic(app: str, name: str) -> str:
    """As Kafka Streams names it."""
    return f"{app}-{name}-repartition"


def changelog_topic(app: str, store: str) -> str:
    """As Kafka Streams names it."""
    return f"{app}-{store}-changelog"
