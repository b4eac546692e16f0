"""Settings of topics and brokers: read with their sources, changed one key at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final

from .cluster import Cluster
from .errors import ClientError

_SOURCES: Final[Mapping[int, str]] = {
    0: "unknown",
    1: "topic",
    2: "broker",
    3: "all brokers",
    4: "broker file",
    5: "default",
    6: "broker logger",
    7: "client metrics",
    8: "group",
}


class ResourceKind(Enum):
    """What a setting belongs to."""

    TOPIC = "topic"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the broker shows it; `value` is None where it is secret or unset."""

    name: str
    value: str | None
    source: str
    is_default: bool
    is_read_only: bool
    is_sensitive: bool


def describe_settings(cluster: Cluster, kind: ResourceKind, name: str) -> tuple[Setting, ...]:
    """The resource's settings, those that differ from the default first, then by name."""
    resource = _resource(kind, name)
    futures = cluster.admin.describe_configs([resource], request_timeout=cluster.timeout_s)
    entries = cluster.wait(futures[resource], f"read the settings of {kind.value} {name!r}")
    settings = [_setting(entry) for entry in entries.values()]
    return tuple(sorted(settings, key=lambda setting: (setting.is_default, setting.name)))


def alter_settings(
    cluster: Cluster,
    kind: ResourceKind,
    name: str,
    *,
    to_set: Mapping[str, str],
    to_reset: Sequence[str] = (),
    validate_only: bool = False,
) -> None:
    """Set some settings and put others back to their defaults; all or none.

    Raises:
        ClientError: the broker refuses; an unknown name gets the closest one as hint.
    """
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

    changes = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in to_set.items()
    ]
    changes += [
        ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE) for key in to_reset
    ]
    resource = _resource(kind, name, changes)
    futures = cluster.admin.incremental_alter_configs(
        [resource], request_timeout=cluster.timeout_s, validate_only=validate_only
    )
    try:
        cluster.wait(futures[resource], f"change the settings of {kind.value} {name!r}")
    except ClientError as error:
        if error.code == "INVALID_CONFIG":
            error.hint = _closest_setting(cluster, kind, name, [*to_set, *to_reset]) or error.hint
        raise


def _closest_setting(cluster: Cluster, kind: ResourceKind, name: str, keys: list[str]) -> str:
    known = {setting.name for setting in describe_settings(cluster, kind, name)}
    for key in keys:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            return f"did you mean {close[0]!r}?" if close else f"{key!r} is not a setting"
    return ""


def _resource(kind: ResourceKind, name: str, changes: Sequence[Any] | None = None) -> Any:
    from confluent_kafka.admin import RESOURCE_BROKER, RESOURCE_TOPIC, ConfigResource

    wire_kind = RESOURCE_TOPIC if kind is ResourceKind.TOPIC else RESOURCE_BROKER
    return ConfigResource(wire_kind, name, incremental_configs=changes)


def _setting(entry: Any) -> Setting:
    return Setting(
        name=entry.name,
        value=entry.value,
        source=_SOURCES.get(int(entry.source), "unknown"),
        is_default=bool(entry.is_default),
        is_read_only=bool(entry.is_read_only),
        is_sensitive=bool(entry.is_sensitive),
    )
