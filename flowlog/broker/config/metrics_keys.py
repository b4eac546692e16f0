"""The settings of a client metrics subscription (KIP-714)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from flowlog.errors import ConfigError

from .keys import ConfigKey, ConfigType, table

MATCHED: Final = (
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
)

METRICS_KEYS: Final[Mapping[str, ConfigKey]] = table(
    [
        ConfigKey(
            "interval.ms",
            ConfigType.INT,
            "300000",
            "How often a matching client would push its metrics, in milliseconds.",
            low=100,
            high=3_600_000,
        ),
        ConfigKey(
            "match",
            ConfigType.LIST,
            "",
            "Which clients are meant: name=pattern with names such as client_id.",
        ),
        ConfigKey("metrics", ConfigType.LIST, "", "Prefixes of the metrics wanted; * is all."),
    ]
)


def check_match(text: str) -> None:
    """Refuse a selection of clients that could not be applied.

    Raises:
        ConfigError: no `name=pattern`, an unknown name or a pattern that is none.
    """
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, found, pattern = part.partition("=")
        if not found or name not in MATCHED:
            raise ConfigError(f"match: {part!r} is not name=pattern with one of {MATCHED}")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigError(f"match: {pattern!r} is no pattern: {error}") from None
