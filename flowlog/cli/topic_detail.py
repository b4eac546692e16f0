"""A topic with its settings, partitions and readers: as a document, and as sections of tables."""

from __future__ import annotations

from typing import Any

from .options import Options
from .output import Column, Row, table_section
from .text import plural

PARTITION_COLUMNS = (
    Column("partition", "number"),
    Column("leader", "number"),
    Column("replicas"),
    Column("in_sync"),
    Column("start_offset", "number"),
    Column("end_offset", "number"),
    Column("records", "count"),
)
SETTING_COLUMNS = (
    Column("name"),
    Column("value"),
    Column("source"),
    Column("is_read_only", wide=True),
)
GROUP_COLUMNS = (Column("group"), Column("state"), Column("lag", "count"))


def describe_with_readers(
    cluster: Any, topic: str, *, all_settings: bool, groups: bool
) -> dict[str, Any]:
    """All about a topic, under frozen names; raises TOPIC_NOT_FOUND."""
    from flowlog.client.configs import ResourceKind, describe_settings
    from flowlog.client.topics import describe_topic

    detail = describe_topic(cluster, topic)
    partitions = [_partition_row(partition) for partition in detail.partitions]
    settings = describe_settings(cluster, ResourceKind.TOPIC, topic)
    return {
        "topic": topic,
        "topic_id": detail.topic_id,
        "is_internal": detail.is_internal,
        "partition_count": len(partitions),
        "replication_factor": max((len(p.replicas) for p in detail.partitions), default=0),
        "records": sum(row["records"] or 0 for row in partitions),
        "settings": [setting_row(s) for s in settings if all_settings or not s.is_default],
        "partitions": partitions,
        "groups": _reader_rows(cluster, topic) if groups else [],
    }


def topic_sections(chosen: Options, document: Row) -> list[str]:
    """The document for people: a line, then a table for each list that has something in it."""
    copies = document["replication_factor"]
    summary = (
        f"topic {document['topic']}  id {document['topic_id'] or '-'}  "
        f"{plural(document['partition_count'], 'partition')}  "
        f"{copies} {'copy' if copies == 1 else 'copies'}  "
        f"at most {plural(document['records'], 'record')}\n"
    )
    tables = [
        ("settings", SETTING_COLUMNS),
        ("partitions", PARTITION_COLUMNS),
        ("groups", GROUP_COLUMNS),
    ]
    sections = [
        table_section(chosen, title, columns, document[title])
        for title, columns in tables
        if document[title]
    ]
    return sections if chosen.output == "csv" else [summary, *sections]


def _partition_row(partition: Any) -> dict[str, Any]:
    bounds = partition.range
    return {
        "partition": partition.number,
        "leader": partition.leader,
        "replicas": list(partition.replicas),
        "in_sync": list(partition.in_sync),
        "start_offset": bounds.start if bounds else None,
        "end_offset": bounds.end if bounds else None,
        "records": bounds.record_count if bounds else None,
    }


def setting_row(setting: Any) -> dict[str, Any]:
    """A setting of a topic as a row of `SETTING_COLUMNS`."""
    return {
        "name": setting.name,
        "value": setting.value,
        "source": setting.source,
        "is_read_only": setting.is_read_only,
    }


def _reader_rows(cluster: Any, topic: str) -> list[dict[str, Any]]:
    from flowlog.client.lag import topic_readers

    return [
        {"group": reader.group_id, "state": reader.state, "lag": reader.lag}
        for reader in topic_readers(cluster, topic)
    ]
