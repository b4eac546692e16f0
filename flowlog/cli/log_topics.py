"""What a data directory's metadata log says of its topics, read from the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from flowlog.broker.controller.image import MetadataImage, ResourceType
from flowlog.broker.controller.metadata_log import TOPIC_ID
from flowlog.broker.controller.records import MetadataRecord, decode_record
from flowlog.broker.storage.directory_names import directory_name
from flowlog.broker.storage.inspect.findings import TopicFacts
from flowlog.broker.storage.inspect.reading import ReadableFile, ReadableFiles
from flowlog.broker.storage.inspect.scan import ScannedBatch, scan, whole_batch
from flowlog.broker.storage.segment_names import LOG
from flowlog.errors import FlowlogError
from flowlog.records.record import iter_records

MAX_BATCH_BYTES: Final = 256 * 1024 * 1024


def read_topics(files: ReadableFiles, data_directory: str) -> dict[UUID, TopicFacts] | None:
    """Every topic that exists, by id; None if there is no metadata log that can be read."""
    image = MetadataImage()
    folder = f"{data_directory}/{directory_name(TOPIC_ID, 0)}"
    try:
        names = sorted(entry.name for entry in files.list_dir(folder) if entry.name.endswith(LOG))
        for name in names:
            file = files.open(f"{folder}/{name}")
            try:
                for record in _records(file):
                    image.apply(record)
            finally:
                file.close()
    except (OSError, FlowlogError, LookupError):
        return None  # Damaged; what is wrong with it is found where it is looked at.
    return {topic_id: _facts(image, t.name) for topic_id, t in image.topics_by_id.items()}


def _records(file: ReadableFile) -> Iterator[MetadataRecord]:
    for item in scan(file, file.size_bytes()):
        if not isinstance(item, ScannedBatch) or not item.crc_ok:
            return
        whole = whole_batch(file, item)
        for record in iter_records(whole, max_decompressed_bytes=MAX_BATCH_BYTES):
            yield decode_record(record.value or b"")


def _facts(image: MetadataImage, name: str) -> TopicFacts:
    brokers = image.overrides(ResourceType.BROKER, "").get("log.cleanup.policy", "")
    policy = image.overrides(ResourceType.TOPIC, name).get("cleanup.policy", brokers)
    return TopicFacts(name, is_compacted="compact" in policy)
