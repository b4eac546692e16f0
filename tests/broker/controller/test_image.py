"""Metadata records: their bytes, and the image that they add up to."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.controller.image import MetadataImage, ResourceType
from flowlog.broker.controller.records import (
    BrokerRecord,
    ConfigRecord,
    MetadataRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    TopicRecord,
    decode_record,
    encode_record,
)
from flowlog.errors import StorageError

RECORDS: list[MetadataRecord] = [
    TopicRecord("clicks", UUID(int=7)),
    RemoveTopicRecord("clicks", UUID(int=7)),
    PartitionRecord(UUID(int=7), 0, replicas=(1,), isr=(1,), leader=1, leader_epoch=0),
    ConfigRecord(ResourceType.TOPIC, "clicks", "retention.ms", None),
    BrokerRecord(1, "::1", 9092, rack="a"),
    ProducerIdsRecord(2000),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_reads_back_as_it_was_written(record: MetadataRecord) -> None:
    assert decode_record(encode_record(record)) == record


@given(st.binary())
def test_damaged_bytes_are_refused_with_one_kind_of_error(encoded: bytes) -> None:
    with pytest.raises(StorageError):
        decode_record(encoded)


def test_a_newer_format_is_refused_rather_than_misread() -> None:
    with pytest.raises(StorageError, match="format"):
        decode_record(b'2 {"type":"topic"}')


def test_a_removed_topic_takes_its_settings_along() -> None:
    image = MetadataImage()
    image.apply(TopicRecord("clicks", UUID(int=7)))
    image.apply(ConfigRecord(ResourceType.TOPIC, "clicks", "retention.ms", "1"))
    image.apply(RemoveTopicRecord("clicks", UUID(int=7)))
    image.apply(TopicRecord("clicks", UUID(int=8)))
    assert image.overrides(ResourceType.TOPIC, "clicks") == {}
    assert image.topic_name(UUID(int=7)) is None
    assert image.topic_name(UUID(int=8)) == "clicks"


def test_a_setting_of_none_takes_it_back_to_its_default() -> None:
    image = MetadataImage()
    image.apply(ConfigRecord(ResourceType.TOPIC, "clicks", "retention.ms", "1"))
    image.apply(ConfigRecord(ResourceType.TOPIC, "clicks", "retention.ms", None))
    assert image.overrides(ResourceType.TOPIC, "clicks") == {}
