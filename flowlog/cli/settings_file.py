"""A broker's settings from their four places: command line, environment, flowlog.toml, defaults.

In the file, settings stand under `[broker]` in Kafka's spelling; nested tables join with dots, so
`"log.retention.ms" = 60000` and `log.retention.ms = 60000` mean the same. `${NAME}` in a string
takes an environment variable. In the environment, `FLOWLOG_BROKER__LOG_RETENTION_MS`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from flowlog.errors import ConfigError

DEFAULT_FILE: Final = "flowlog.toml"
_PREFIX: Final = "FLOWLOG_BROKER__"
_SECTIONS: Final = ("broker",)
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def broker_properties(
    given: Iterable[tuple[str, str]],
    *,
    file: Path | None,
    environ: Mapping[str, str],
) -> dict[str, str]:
    """All settings as text by Kafka's name; the command line goes before environment and file.

    Raises:
        ConfigError: the file cannot be read or holds something that is no setting.
    """
    from_file = {} if file is None else read_file(file, environ)
    return {**from_file, **dict(environment_properties(environ)), **dict(given)}


def find_file(chosen: str | None) -> Path | None:
    """The chosen file, else flowlog.toml in the current folder if it is there.

    Raises:
        ConfigError: the chosen file is not there.
    """
    if chosen is None:
        default = Path(DEFAULT_FILE)
        return default if default.is_file() else None
    path = Path(chosen)
    if not path.is_file():
        raise ConfigError(f"no file {chosen!r}")
    return path


def read_file(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings under `[broker]`, as text.

    Raises:
        ConfigError: not TOML, an unknown section, a value that is no setting, an unset variable.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    for section in document:
        if section not in _SECTIONS:
            close = get_close_matches(section, _SECTIONS, n=1)
            raise ConfigError(
                f"{path}: unknown section {section!r}",
                hint=f"did you mean {close[0]!r}?" if close else "settings stand under [broker]",
            )
    broker = document.get("broker", {})
    if not isinstance(broker, dict):
        raise ConfigError(f"{path}: broker must be a table")
    return {name: _text(path, name, value, environ) for name, value in _flat(broker)}


def environment_properties(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Settings from variables: `FLOWLOG_BROKER__NODE_ID` is `node.id`."""
    for variable, value in sorted(environ.items()):
        if variable.startswith(_PREFIX):
            yield variable.removeprefix(_PREFIX).lower().replace("_", "."), value


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _text(path: Path, name: str, value: Any, environ: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(path, name, match[1], environ), value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return ",".join(_text(path, name, item, environ) for item in value)
    raise ConfigError(f"{path}: {name}: {value!r} is not a setting's value")


def _variable(path: Path, name: str, variable: str, environ: Mapping[str, str]) -> str:
    if variable not in environ:
        raise ConfigError(f"{path}: {name}: environment variable {variable} is not set")
    return environ[variable]
