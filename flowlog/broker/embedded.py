"""`Broker`: a broker inside your own program, for tests, notebooks and small tools."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.server import BrokerServer

DEV_PROPERTIES: Final[Mapping[str, str]] = {
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "8",
}


class Broker:
    """A broker in this process: `async with fl.Broker() as broker: ... broker.bootstrap`.

    Listens on loopback, on a free port unless `port` is given. Data go to a temporary folder that
    is deleted afterwards, unless `data_dir` names one to keep. `properties` are broker settings in
    Kafka's spelling. Needs asyncio's event loop.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        data_dir: str | Path | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self._port = port
        self._data_dir = None if data_dir is None else Path(data_dir)
        self._properties = dict(properties or {})
        self._temporary: Path | None = None

    async def __aenter__(self) -> Self:
        data_dir = self._data_dir
        if data_dir is None:
            data_dir = self._temporary = Path(tempfile.mkdtemp(prefix="flowlog-"))
        config = BrokerConfig.from_properties(
            {
                **DEV_PROPERTIES,
                "listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
                "log.dirs": str(data_dir),
                **self._properties,
            }
        )
        self._server = BrokerServer(config)
        try:
            await self._server.__aenter__()
        except BaseException:
            self._remove_temporary()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._server.__aexit__(exc_type, exc, traceback)
        finally:
            self._remove_temporary()

    @property
    def bootstrap(self) -> str:
        """The address to give to any Kafka client, as `host:port`."""
        return self._server.bootstrap

    def _remove_temporary(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
