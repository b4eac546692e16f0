"""A broker's settings as read at start: text by Kafka key, parsed once, with typed access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowlog.errors import ConfigError

from .broker_keys import BROKER_KEYS
from .keys import ConfigValue, find_key


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A listener's name and address; an IPv6 host is written without its brackets."""

    name: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read `NAME://host:port`; without `NAME://` the name is PLAINTEXT.

        Raises:
            ConfigError: no port, a port out of range, or a listener that is not PLAINTEXT.
        """
        name, found, address = text.partition("://")
        if not found:
            name, address = "PLAINTEXT", text
        host, _, port_text = address.rpartition(":")
        if not port_text.isdigit() or int(port_text) > 65535:
            raise ConfigError(f"listeners: {text!r} needs a host and a port, as 127.0.0.1:9092")
        if name != "PLAINTEXT":
            raise ConfigError(f"listeners: {name} is not supported yet; use PLAINTEXT")
        return cls(name, host.strip("[]") or "127.0.0.1", int(port_text))


@dataclass(frozen=True)
class BrokerConfig:
    """The settings given at start (`properties`) over the defaults; read with `integer` and so on."""

    properties: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> BrokerConfig:
        """Check every key and value.

        Raises:
            ConfigError: an unknown key (with a suggestion) or a value that does not fit.
        """
        for name, text in properties.items():
            find_key(BROKER_KEYS, name).parse(text)
        config = cls(dict(properties))
        config.listener  # noqa: B018 - an address that cannot be read must fail here
        config.advertised  # noqa: B018
        folders = [folder.absolute() for folder in config.data_dirs]
        if not folders or len(set(folders)) < len(folders):
            raise ConfigError("log.dirs: one folder at least, and none of them twice")
        return config

    def text(self, name: str) -> str | None:
        """The setting's text: as given, else derived from its older spellings, else the default."""
        if name in self.properties:
            return self.properties[name]
        return self._derived(name) or BROKER_KEYS[name].default

    def is_given(self, name: str) -> bool:
        """Whether somebody set it, by its name or an older spelling, be it to the default."""
        return name in self.properties or self._derived(name) is not None

    def _derived(self, name: str) -> str | None:
        if name == "log.flush.interval.messages" and self.properties.get("durability") == "fsync":
            return "1"
        if name == "log.retention.ms":
            for key, unit_ms in (
                ("log.retention.minutes", 60_000),
                ("log.retention.hours", 3_600_000),
            ):
                if key in self.properties:
                    count = int(self.properties[key])
                    return str(count * unit_ms if count >= 0 else -1)
        if name == "log.roll.ms" and "log.roll.hours" in self.properties:
            return str(int(self.properties["log.roll.hours"]) * 3_600_000)
        return None

    def value(self, name: str) -> ConfigValue:
        """The parsed setting; a key without value and default must not be asked for."""
        text = self.text(name)
        assert text is not None, f"{name} has no default"
        return BROKER_KEYS[name].parse(text)

    def integer(self, name: str) -> int:
        value = self.value(name)
        assert isinstance(value, int), name
        return value

    def number(self, name: str) -> float:
        value = self.value(name)
        assert isinstance(value, float), name
        return value

    def boolean(self, name: str) -> bool:
        return self.value(name) is True

    def string(self, name: str) -> str:
        value = self.value(name)
        assert isinstance(value, str), name
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        value = self.value(name)
        assert isinstance(value, tuple), name
        return value

    @property
    def listener(self) -> Endpoint:
        """Where the broker listens."""
        listeners = self.strings("listeners")
        if len(listeners) != 1:
            raise ConfigError("listeners: exactly one listener is supported")
        return Endpoint.parse(listeners[0])

    @property
    def advertised(self) -> Endpoint | None:
        """The address to tell clients, or None for the one that they came in by."""
        advertised = self.strings("advertised.listeners")
        return Endpoint.parse(advertised[0]) if advertised else None

    @property
    def data_dirs(self) -> tuple[Path, ...]:
        return tuple(map(Path, self.strings("log.dirs")))

    @property
    def data_dir(self) -> Path:
        """The first of them, which holds the metadata."""
        return self.data_dirs[0]
