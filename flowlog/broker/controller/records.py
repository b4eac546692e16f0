"""The records of the metadata log, and their bytes.

Each record is a JSON object with its type and format version, so that a log can be read by eye
and an older broker refuses what a newer one wrote instead of misreading it. Unlike Kafka's, the
bytes are flowlog's own: no client ever reads them.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from flowlog.errors import StorageError

FORMAT_VERSION: Final = 1


class MetadataRecord(msgspec.Struct, frozen=True, tag_field="type"):
    """One change of the cluster's metadata."""


class ClusterRecord(MetadataRecord, frozen=True, tag="cluster"):
    """The first record of a log: whose metadata it holds."""

    cluster_id: str


class BrokerRecord(MetadataRecord, frozen=True, tag="broker"):
    """A broker came up at this address."""

    node_id: int
    host: str
    port: int
    rack: str | None = None


class TopicRecord(MetadataRecord, frozen=True, tag="topic"):
    """A topic exists; its partitions follow in the same batch."""

    name: str
    topic_id: UUID


class RemoveTopicRecord(MetadataRecord, frozen=True, tag="remove-topic"):
    """The topic, its partitions and its configuration are gone."""

    name: str
    topic_id: UUID


class PartitionRecord(MetadataRecord, frozen=True, tag="partition"):
    """A partition's replicas and leader, whole: a later record replaces an earlier one."""

    topic_id: UUID
    partition: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int
    partition_epoch: int = 0


class ConfigRecord(MetadataRecord, frozen=True, tag="config"):
    """A setting of a resource; a value of None takes the setting back to its default.

    `resource_type` is Kafka's number: 2 topic, 4 broker (an empty name is every broker's default),
    16 client metrics, 32 group.
    """

    resource_type: int
    resource_name: str
    name: str
    value: str | None


class ProducerIdsRecord(MetadataRecord, frozen=True, tag="producer-ids"):
    """Producer ids below `next_producer_id` have been handed to brokers."""

    next_producer_id: int


class FeatureRecord(MetadataRecord, frozen=True, tag="feature"):
    """A feature of the cluster is finalized at this level."""

    name: str
    level: int


class QuotaRecord(MetadataRecord, frozen=True, tag="quota"):
    """A limit of an entity; a value of None takes it away.

    `entity` has (kind, name) pairs, sorted; a name of None is the default of its kind.
    """

    entity: tuple[tuple[str, str | None], ...]
    key: str
    value: float | None


AnyRecord = (
    ClusterRecord
    | BrokerRecord
    | TopicRecord
    | RemoveTopicRecord
    | PartitionRecord
    | ConfigRecord
    | ProducerIdsRecord
    | FeatureRecord
    | QuotaRecord
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyRecord)
_PREFIX = b"%d " % FORMAT_VERSION


def encode_record(record: MetadataRecord) -> bytes:
    """The record as `1 {"type":"topic",...}`."""
    return _PREFIX + _encoder.encode(record)


def decode_record(encoded: bytes) -> MetadataRecord:
    """The record that `encode_record` wrote.

    Raises:
        StorageError: another format version, an unknown type or damaged bytes.
    """
    version, _, body = encoded.partition(b" ")
    if version != b"%d" % FORMAT_VERSION:
        raise StorageError(
            f"metadata record of format {version[:20]!r}; this flowlog reads {FORMAT_VERSION}"
        )
    try:
        record: MetadataRecord = _decoder.decode(body)
        return record
    except msgspec.MsgspecError as error:
        raise StorageError(f"unreadable metadata record: {error}") from error
