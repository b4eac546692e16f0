"""The message classes: lazy, with the fields of all versions, each with a default."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from flowlog.broker.wire.classes import fields_of_all_versions, message_class
from flowlog.broker.wire.retired import RETIRED_FIELD_VERSIONS
from flowlog.broker.wire.schema import Direction, StructSchema, message_schema, versions
from tests.broker.wire.samples import MESSAGES, schemas


def test_importing_messages_and_codec_loads_no_schema() -> None:
    program = (
        "import sys; from flowlog.broker.wire import codec, messages, produce, fetch, headers;"
        "print([m for m in sys.modules if m.startswith('kio.schema.') and '.v' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_touching_one_api_loads_only_the_versions_it_needs() -> None:
    program = (
        "import sys; from flowlog.broker.wire import messages; messages.metadata.MetadataRequest;"
        "print(sorted({m.split('.')[2] + m.split('.')[3] for m in sys.modules"
        " if m.startswith('kio.schema.') and '.v' in m and 'header' not in m}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['metadatav10', 'metadatav13']"


@pytest.mark.parametrize(("name", "direction"), MESSAGES)
def test_every_message_can_be_made_of_defaults_alone(name: str, direction: Direction) -> None:
    made = message_class(name, direction)
    assert made() == made()
    assert not hasattr(made(), "__dict__")


def _field_paths(struct: StructSchema) -> set[tuple[str, str]]:
    found = {(struct.name, field.name) for field in struct.fields}
    return found.union(*(_field_paths(f.struct) for f in struct.fields if f.struct))


@pytest.mark.parametrize(("name", "direction"), MESSAGES)
def test_a_class_has_every_field_that_any_version_has(name: str, direction: Direction) -> None:
    everywhere = set().union(*(_field_paths(schema) for schema in schemas(name, direction)))
    merged = fields_of_all_versions(name, direction)
    assert everywhere == {(struct, field) for struct in merged for field in merged[struct]}


@pytest.mark.parametrize(("name", "direction"), MESSAGES)
def test_a_field_means_the_same_at_every_version(name: str, direction: Direction) -> None:
    merged = fields_of_all_versions(name, direction)

    def check(struct: StructSchema) -> None:
        for field in struct.fields:
            ours = merged[struct.name][field.name]
            assert (ours.kind, ours.is_array, ours.tag) == (field.kind, field.is_array, field.tag)
            assert ours.is_nullable or not field.is_nullable
            if field.struct is not None:
                check(field.struct)

    for schema in schemas(name, direction):
        check(schema)


def test_the_table_of_retired_fields_names_no_version_in_vain() -> None:
    for (name, direction), extra_versions in RETIRED_FIELD_VERSIONS.items():
        way: Any = direction
        known = _field_paths(message_schema(name, versions(name, way)[-1], way))
        for version in extra_versions:
            found = _field_paths(message_schema(name, version, way))
            assert found - known, f"{name} {direction} v{version}"
            known |= found


def test_fields_have_kafkas_defaults_and_names() -> None:
    request = messages.fetch.FetchRequest()
    assert request.max_bytes == 2**31 - 1
    assert request.session_epoch == -1
    assert request.replica_state == messages.fetch.ReplicaState(replica_id=-1, replica_epoch=-1)
    assert request.max_wait_ms == 0
    assert messages.metadata.MetadataRequest().allow_auto_topic_creation is True
    assert messages.create_topics.CreateTopicsRequest().timeout_ms == 60_000
    assert messages.offset_commit.OffsetCommitRequest().retention_time_ms == -1
    assert messages.produce.PartitionProduceResponse().log_append_time_ms == -1
    topic = messages.metadata.MetadataResponseTopic()
    assert (topic.error_code, topic.name, topic.topic_id) == (ErrorCode.none, None, None)
    assert topic.partitions == ()


def test_struct_defaults_are_not_shared() -> None:
    first, second = messages.fetch.FetchRequest(), messages.fetch.FetchRequest()
    first.replica_state.replica_id = 7
    assert second.replica_state.replica_id == -1


def test_a_name_in_both_directions_needs_the_direction() -> None:
    with pytest.raises(AttributeError, match="both directions of vote have TopicData"):
        _ = messages.vote.TopicData
    assert messages.vote.request.TopicData is not messages.vote.response.TopicData
    assert "pre_vote" in {
        field.name for field in dataclasses.fields(messages.vote.request.PartitionData)
    }


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param(lambda: messages.no_such_api, id="no such message"),
        pytest.param(lambda: messages.request_header, id="headers are not messages"),
        pytest.param(lambda: messages.metadata.NoSuchClass, id="no such class"),
        pytest.param(lambda: messages.metadata.request.MetadataResponse, id="other direction"),
    ],
)
def test_an_unknown_name_is_an_attribute_error(touch: Any) -> None:
    with pytest.raises(AttributeError):
        touch()


def test_classes_can_be_had_by_api_key() -> None:
    assert messages.request_class(3) is messages.metadata.MetadataRequest
    assert messages.response_class(3) is messages.metadata.MetadataResponse
