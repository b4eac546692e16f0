"""From a topic's settings in Kafka's spelling to what a partition log needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from flowlog.broker.config.keys import ConfigValue
from flowlog.broker.storage.config import LogConfig

_KEYS: Final = {field.name: field.name.replace("_", ".") for field in fields(LogConfig)}


def log_config(values: Mapping[str, ConfigValue]) -> LogConfig:
    """The log's settings; a list becomes a set, and settings of other parts are left aside."""
    chosen: dict[str, Any] = {}
    for name, key in _KEYS.items():
        if key in values:
            value = values[key]
            chosen[name] = frozenset(value) if isinstance(value, tuple) else value
    return LogConfig(**chosen)
