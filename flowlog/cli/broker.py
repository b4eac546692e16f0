"""`flowlog broker`: one broker in this process."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from typing import Final

import click

from flowlog.errors import ConfigError

from . import lifeline
from .commands import ProcessCommand
from .settings_file import broker_properties, find_file

_ANY: Final = ("", "0.0.0.0", "::")


@click.command("broker", cls=ProcessCommand)
@click.option(
    "--config", "file", metavar="FILE", help="Settings under [broker]; flowlog.toml if it is there."
)
@click.option("--node-id", type=click.IntRange(min=0), help="This node's number (default 1).")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where to listen (default 127.0.0.1:9092); port 0 takes a free one.",
)
@click.option(
    "--advertise", metavar="HOST:PORT", help="The address that clients are told, if another."
)
@click.option("--data-dir", metavar="DIR", help="Where the data is (default flowlog-data).")
@click.option(
    "-X",
    "--property",
    "properties",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting in Kafka's spelling.",
)
@click.option(
    "--insecure", is_flag=True, help="Allow to listen beyond this machine without authentication."
)
def command(
    file: str | None,
    node_id: int | None,
    listen: str | None,
    advertise: str | None,
    data_dir: str | None,
    properties: tuple[str, ...],
    insecure: bool,
) -> int:
    """Run a broker until SIGTERM or Ctrl-C.

    Settings: the command line goes before FLOWLOG_BROKER__… variables, these before the file.
    Prints a line beginning with "ready" on standard error once it serves.
    """
    from flowlog.client.settings import parse_property

    lifeline.hold()
    given = [parse_property(text) for text in properties]
    given += _flags(node_id=node_id, listen=listen, advertise=advertise, data_dir=data_dir)
    settings = broker_properties(given, file=find_file(file), environ=os.environ)
    if not insecure:
        refuse_open_listener(settings)
    from flowlog.broker.main import run_broker

    return run_broker(settings)


def _flags(
    *, node_id: int | None, listen: str | None, advertise: str | None, data_dir: str | None
) -> Iterator[tuple[str, str]]:
    """The flags in Kafka's spelling; only those given, so that file and environment count."""
    if node_id is not None:
        yield "node.id", str(node_id)
    if listen is not None:
        yield "listeners", f"PLAINTEXT://{_address(listen)}"
    if advertise is not None:
        yield "advertised.listeners", f"PLAINTEXT://{_address(advertise)}"
    if data_dir is not None:
        yield "log.dirs", data_dir


def _address(text: str) -> str:
    """`HOST:PORT`, `:PORT` and `HOST` completed; port 0 is allowed, unlike for a client."""
    host, _, port = text.rpartition(":") if ":" in text.strip("[]") else (text, "", "9092")
    if not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"address {text!r} is not HOST:PORT", hint="as in 127.0.0.1:9092")
    return f"{host or '127.0.0.1'}:{port}"


def refuse_open_listener(settings: Mapping[str, str]) -> None:
    """Closed by default: without authentication only this machine may connect.

    Raises:
        ConfigError: a listener that other machines reach.
    """
    for listener in settings.get("listeners", "").split(","):
        host = listener.rpartition("://")[2].rpartition(":")[0].strip("[]")
        if listener.strip() and not _is_loopback(host):
            raise ConfigError(
                f"{listener.strip()} lets other machines in, and nobody has to log in",
                hint="listen on 127.0.0.1, or add --insecure if the network is trusted",
            )


def _is_loopback(host: str) -> bool:
    if host in _ANY:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
