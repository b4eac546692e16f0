"""A broker as a process of its own: event loop, signals, the `ready` line, exit codes."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Mapping

import anyio

from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.memory import collect_garbage_rarely, keep_large_buffers
from flowlog.broker.server import BrokerServer
from flowlog.errors import FlowlogError

logger = logging.getLogger(__name__)


def run_broker(properties: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code.

    Prints one line beginning with `ready` on standard error once it serves.

    Raises:
        ConfigError: a setting is unknown or does not fit.
        FlowlogError: the address or the data folder cannot be used.
    """
    config = BrokerConfig.from_properties(properties)
    keep_large_buffers()
    options = {"use_uvloop": _has_uvloop()}
    try:
        anyio.run(_serve, config, backend="asyncio", backend_options=options)
    except BaseExceptionGroup as group:
        raise _first_cause(group) from None
    except OSError as error:
        raise FlowlogError(f"{config.data_dir}: {error}", code="STORAGE") from None
    return 0


def _first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that a person should read out of a task group's."""
    cause: BaseException = group
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return FlowlogError(str(cause), code="STORAGE") if isinstance(cause, OSError) else cause


async def _serve(config: BrokerConfig) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with BrokerServer(config) as server:
            collect_garbage_rarely()
            _announce(config, server)
            async for number in signals:
                logger.info("stopping on %s", signal.Signals(number).name)
                break


def _announce(config: BrokerConfig, server: BrokerServer) -> None:
    print(
        f"ready: broker {config.integer('node.id')} on {server.bootstrap}, "
        f"data in {', '.join(str(folder.absolute()) for folder in config.data_dirs)}; "
        f"one copy of each record: {_loss_in_words(config)}",
        file=sys.stderr,
        flush=True,
    )


def _loss_in_words(config: BrokerConfig) -> str:
    if config.string("durability") == "fsync":
        return "acknowledged once on disk, lost only with the disk"
    return "a power cut can lose the last seconds (durability=fsync waits for the disk)"


def _has_uvloop() -> bool:
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return False
    return True
