"""The levels of this process's loggers, by Kafka's level names; not kept over a restart.

A logger is named as in Python's logging; "root" is the root logger. What is set counts at once.
"""

from __future__ import annotations

import logging
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.config_changes import (
    Alteration,
    ConfigEntry,
    Operation,
    invalid_request,
)
from flowlog.broker.config.keys import ConfigKey, ConfigType
from flowlog.broker.config.layers import ConfigLayer, ConfigSource
from flowlog.errors import KafkaError

ROOT: Final = "root"
OURS: Final = "flowlog"
LEVELS: Final = {
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": 5,
}


def logger_names() -> list[str]:
    """The loggers that can be changed: the root and flowlog's own, as far as they are in use."""
    ours = [
        name
        for name, made in logging.root.manager.loggerDict.items()
        if isinstance(made, logging.Logger) and (name == OURS or name.startswith(f"{OURS}."))
    ]
    return [ROOT, *sorted(ours)]


def describe_loggers() -> list[ConfigEntry]:
    """Each logger's level in force."""
    return [_entry(name) for name in logger_names()]


def check_levels(alterations: list[Alteration]) -> None:
    """Refuse unknown loggers and levels.

    Raises:
        KafkaError: INVALID_CONFIG or INVALID_REQUEST.
    """
    known = set(logger_names())
    for change in alterations:
        if change.operation not in (Operation.SET, Operation.DELETE):
            raise invalid_request(f"logger {change.name!r}: a level is set or deleted, no list")
        if change.name not in known:
            raise KafkaError(ErrorCode.invalid_config, f"no logger {change.name!r}")
        if change.operation is Operation.DELETE and change.name == ROOT:
            raise invalid_request("the root logger must have a level")
        if change.operation is Operation.SET and change.text not in LEVELS:
            raise KafkaError(
                ErrorCode.invalid_config,
                f"logger {change.name!r}: level {change.text!r} is none of {', '.join(LEVELS)}",
            )


def set_levels(alterations: list[Alteration]) -> None:
    """Carry out what `check_levels` let pass."""
    for change in alterations:
        wanted = LEVELS[change.text or ""] if change.operation is Operation.SET else logging.NOTSET
        _logger(change.name).setLevel(wanted)


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(None if name == ROOT else name)


def _entry(name: str) -> ConfigEntry:
    level = _word(_logger(name).getEffectiveLevel())
    layer = ConfigLayer(name, level, ConfigSource.DYNAMIC_BROKER_LOGGER)
    key = ConfigKey(name, ConfigType.UNKNOWN, None, "Level of this logger.")
    return ConfigEntry(key, (layer,), hidden=frozenset({layer.source}))


def _word(level: int) -> str:
    """Kafka's name of a level: the least severe whose number is not below."""
    fitting = [word for word, number in LEVELS.items() if number >= level]
    return fitting[-1] if fitting else "FATAL"
