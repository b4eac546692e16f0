"""What is asked of a setting, and what it looks like: the vocabulary of all kinds of resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from kio.schema.errors import ErrorCode

from flowlog.broker.config.keys import ConfigKey, ConfigType, find_key
from flowlog.broker.config.layers import ConfigLayer, ConfigSource
from flowlog.errors import ConfigError, KafkaError


class Operation(IntEnum):
    """What IncrementalAlterConfigs does to a setting, numbered as in the protocol."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


@dataclass(frozen=True, slots=True)
class Alteration:
    """One change to one setting."""

    name: str
    operation: Operation
    text: str | None


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """A setting as it stands: the value in force and every layer that has one."""

    key: ConfigKey
    layers: tuple[ConfigLayer, ...]
    is_read_only: bool = False
    hidden: frozenset[ConfigSource] = frozenset()

    @property
    def text(self) -> str | None:
        return self.layers[0].text

    @property
    def synonyms(self) -> tuple[ConfigLayer, ...]:
        """The layers to show: for some kinds Kafka leaves some out."""
        return tuple(row for row in self.layers if row.source not in self.hidden)

    @property
    def source(self) -> ConfigSource:
        return self.layers[0].source


def check_alterations(alterations: Sequence[Alteration]) -> None:
    """Refuse what fits no setting of any kind.

    Raises:
        KafkaError: INVALID_REQUEST.
    """
    times = Counter(change.name for change in alterations)
    for change in alterations:
        if times[change.name] > 1:
            raise invalid_request(f"setting {change.name!r} stands twice")
        if change.text is None and change.operation is not Operation.DELETE:
            raise invalid_request(f"setting {change.name!r}: null is not a value")


def new_text(
    keys: Mapping[str, ConfigKey], present: Mapping[str, str | None], change: Alteration
) -> str | None:
    """The setting's text after the change; None takes it back to its default.

    `present` has the texts in force, for lists that grow or shrink.

    Raises:
        ConfigError: an unknown key, no list, or a value that does not fit.
    """
    if change.operation is Operation.DELETE:
        return None
    key = find_key(keys, change.name)
    text = change.text or ""
    if change.operation is not Operation.SET:
        text = _edited_list(key, present.get(key.name) or "", change)
    key.parse(text)
    return text


def _edited_list(key: ConfigKey, current: str, change: Alteration) -> str:
    if key.type is not ConfigType.LIST:
        raise ConfigError(f"{key.name} is not a list: it can be set or deleted only")
    words = [word for word in current.split(",") if word]
    edits = [word for word in (change.text or "").split(",") if word]
    if change.operation is Operation.APPEND:
        words += [word for word in edits if word not in words]
    else:
        words = [word for word in words if word not in edits]
    return ",".join(words)


def invalid_request(message: str) -> KafkaError:
    return KafkaError(ErrorCode.invalid_request, message)


def invalid_config(error: ConfigError) -> KafkaError:
    """What a client hears of a value that does not fit."""
    return KafkaError(
        ErrorCode.invalid_config, f"{error}; {error.hint}" if error.hint else str(error)
    )
