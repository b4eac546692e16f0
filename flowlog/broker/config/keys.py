"""What a configuration key is: a name, a type that parses its text, a default, a bound.

Values travel as text, as in Kafka's protocol and property files; `parse` turns text into the
Python value that the broker uses and raises `ConfigError` with the key's name for anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum

from flowlog.errors import ConfigError

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1

ConfigValue = bool | int | float | str | tuple[str, ...]


class ConfigType(IntEnum):
    """The types of configuration values, numbered as DescribeConfigs names them."""

    UNKNOWN = 0  # of loggers' levels, as Kafka has it
    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One setting.

    `low` and `high` are inclusive bounds of a number; `choices` are the words allowed in a string
    or in each place of a list. `broker_key` names the broker setting that a topic setting falls
    back to. `dynamic` says that IncrementalAlterConfigs may change it while the broker runs.
    """

    name: str
    type: ConfigType
    default: str | None
    doc: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    broker_key: str = ""
    dynamic: bool = False

    def parse(self, text: str) -> ConfigValue:
        """The value that `text` stands for.

        Raises:
            ConfigError: it is not of the key's type, out of bounds or not among the choices.
        """
        try:
            value = self._convert(text.strip())
        except ValueError:
            raise ConfigError(
                f"{self.name}: {text!r} is not a {self.type.name.lower()}", hint=self.doc
            ) from None
        self._check(value)
        return value

    def _convert(self, text: str) -> ConfigValue:
        match self.type:
            case ConfigType.BOOLEAN:
                if text.lower() not in ("true", "false"):
                    raise ValueError(text)
                return text.lower() == "true"
            case ConfigType.INT | ConfigType.SHORT | ConfigType.LONG:
                return int(text)
            case ConfigType.DOUBLE:
                return float(text)
            case ConfigType.LIST:
                return tuple(part.strip() for part in text.split(",") if part.strip())
            case _:
                return text

    def _check(self, value: ConfigValue) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = self._bounds()
            if not low <= value <= high:
                raise ConfigError(f"{self.name}: {value} is not between {low:g} and {high:g}")
        if self.choices:
            words = value if isinstance(value, tuple) else (value,)
            for word in words:
                if word not in self.choices:
                    raise ConfigError(
                        f"{self.name}: {word!r} is not one of {', '.join(self.choices)}"
                    )

    def _bounds(self) -> tuple[float, float]:
        limits: dict[ConfigType, tuple[float, float]] = {
            ConfigType.SHORT: (-(2**15), 2**15 - 1),
            ConfigType.INT: (-(2**31), INT_MAX),
            ConfigType.LONG: (-(2**63), LONG_MAX),
            ConfigType.DOUBLE: (float("-inf"), float("inf")),
        }
        type_low, type_high = limits[self.type]
        low = type_low if self.low is None else self.low
        high = type_high if self.high is None else self.high
        return low, high


def table(keys: Iterable[ConfigKey]) -> dict[str, ConfigKey]:
    """The keys by name, in the order given."""
    return {key.name: key for key in keys}


def find_key(keys: Mapping[str, ConfigKey], name: str) -> ConfigKey:
    """The key of that name.

    Raises:
        ConfigError: there is none; the hint names the closest one.
    """
    key = keys.get(name)
    if key is None:
        close = get_close_matches(name, keys, n=1)
        raise ConfigError(
            f"unknown setting {name!r}", hint=f"did you mean {close[0]!r}?" if close else ""
        )
    return key
