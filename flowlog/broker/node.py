"""`Node`: what this broker keeps on disk and knows of the cluster, without sockets.

Opened in order: the data folder, the metadata log and its image, the partitions. Closed in the
opposite order, leaving the folder marked clean.
"""

from __future__ import annotations

import logging

import anyio.to_thread

from flowlog.broker.admin.configs import ConfigAdmin
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.controller.controller import Controller
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.controller.metadata_log import PartitionMetadataLog
from flowlog.broker.controller.producer_ids import ProducerIds
from flowlog.broker.controller.records import BrokerRecord
from flowlog.broker.replication.log_config import log_config
from flowlog.broker.replication.partitions import Partitions
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.files import Files
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dirs import LogDirectories
from flowlog.clock import Clock

logger = logging.getLogger(__name__)


class Node:
    """One broker's durable part: logs, metadata, configuration."""

    def __init__(
        self,
        config: BrokerConfig,
        clock: Clock,
        directory: LogDirectories,
    ) -> None:
        self.config = config
        self.node_id = config.integer("node.id")
        self.directory = directory
        self.group_commit = GroupCommit()
        image = MetadataImage()
        log = PartitionMetadataLog(directory, self.group_commit, clock.now_ms)
        for record in log.read_all():
            image.apply(record)
        image.cluster_id = directory.cluster_id
        self.controller = Controller(log, image)
        self.configs = ConfigAdmin(self.controller, config, self.node_id)
        self.producer_ids = ProducerIds(self.controller)
        self.partitions = Partitions(image, directory, self.group_commit, self.log_config)
        self.partitions.open_all()

    @classmethod
    async def open(cls, config: BrokerConfig, clock: Clock, *, files: Files | None = None) -> Node:
        """Open the data folders of `config`, recovering what a crash left.

        `files` stands in for the operating system's.

        Raises:
            FlowlogError: the folder is another node's, in use, or newer than this flowlog.
            StorageError: the folder cannot be read or written.
        """
        return await anyio.to_thread.run_sync(cls._open, config, clock, files)

    @classmethod
    def _open(cls, config: BrokerConfig, clock: Clock, files: Files | None) -> Node:
        directory = LogDirectories.open(
            config.data_dirs,
            node_id=config.integer("node.id"),
            cluster_id=config.string("cluster.id") or None,
            files=files,
            clock=clock,
            free_bytes_floor=config.integer("log.dir.free.bytes.floor"),
        )
        try:
            return cls(config, clock, directory)
        except BaseException:
            directory.close(clean=False)
            raise

    def close(self) -> None:
        """Flush everything and mark the folder clean; nothing may be appended any more."""
        self.directory.close(clean=True)

    async def register(self, host: str, port: int) -> None:
        """Write this broker's address into the metadata when it is new."""
        me = BrokerRecord(self.node_id, host, port, self.config.string("broker.rack") or None)
        await self.controller.change(
            lambda image: [] if image.brokers.get(self.node_id) == me else [me]
        )

    def log_config(self, topic: str) -> LogConfig:
        """The log settings in force for a topic."""
        return log_config(self.configs.topic_values(topic))
