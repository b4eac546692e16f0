from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import flowlog as fl
from flowlog.streams.errors import TopologyError
from flowlog.streams.topology.names import step_name
from flowlog.streams.topology.topology import internal_partition_counts


def shop() -> fl.App:
    app = fl.App("shop")
    lines = app.topic("lines", value=str)

    @app.stream(lines)
    def words(line: str) -> Iterator[str]:
        yield from line.split()

    counts = words.group_by(lambda w: w, name="by-word").count(name="word-counts")
    counts.to(app.topic("word-totals", value=int))

    @app.table(
        lines, by=lambda line: line, window=fl.tumbling("1m", grace="10s"), late="late-lines"
    )
    def line_stats(count: int, line: str) -> int:
        return count + 1

    return app


def test_a_repartition_topic_ends_one_sub_topology_and_begins_another() -> None:
    topology = shop().topology()
    assert [[source.topic.name for source in sub.sources] for sub in topology.sub_topologies] == [
        ["lines"],
        ["shop-by-word-repartition"],
        ["shop-line-stats-repartition"],
    ]
    assert [[node.name for node in sub.stores] for sub in topology.sub_topologies] == [
        [],
        ["word-counts"],
        ["line-stats"],
    ]


def test_internal_topics_have_the_names_and_settings_of_kafka_streams() -> None:
    topics = {topic.name: topic for topic in shop().topology().internal_topics}
    assert set(topics) == {
        "shop-by-word-repartition",
        "shop-line-stats-repartition",
        "shop-word-counts-changelog",
        "shop-line-stats-changelog",
    }
    repartition = topics["shop-by-word-repartition"].config
    assert (repartition["cleanup.policy"], repartition["retention.ms"]) == ("delete", "-1")
    assert topics["shop-word-counts-changelog"].config["cleanup.policy"] == "compact"
    windowed = topics["shop-line-stats-changelog"].config
    assert windowed["cleanup.policy"] == "compact", "never deleted by age, unlike Kafka Streams'"


def test_internal_topics_get_as_many_partitions_as_what_they_follow() -> None:
    topology = shop().topology()
    counts = internal_partition_counts(topology, {"lines": 6, "word-totals": 1, "late-lines": 1})
    assert set(counts.values()) == {6}
    with pytest.raises(TopologyError, match="lines does not exist"):
        internal_partition_counts(topology, {})


def test_a_group_by_may_say_how_many_partitions() -> None:
    app = fl.App("app")
    lines = app.topic("lines", value=str)
    lines.group_by(lambda line: line, name="same", partitions=3).count(name="counts")
    assert internal_partition_counts(app.topology(), {"lines": 6}) == {
        "app-same-repartition": 3,
        "app-counts-changelog": 3,
    }


def test_a_topology_is_described_as_plain_data() -> None:
    described = shop().topology().describe()
    assert described["app"] == "shop"
    first, second, third = described["sub_topologies"]
    assert first["sources"] == ["lines"]
    assert first["sinks"] == ["shop-by-word-repartition", "shop-line-stats-repartition"]
    assert [
        (step["name"], step["kind"], step["inputs"], step["writes"]) for step in first["steps"]
    ] == [
        ("words", "flat-map", ["lines"], []),
        ("by-word", "group by", ["words"], ["shop-by-word-repartition"]),
        ("line-stats", "group by", ["lines"], ["shop-line-stats-repartition"]),
    ]
    assert [(step["name"], step["kind"], step["writes"]) for step in second["steps"]] == [
        ("word-counts", "count", ["word-totals"])
    ]
    assert third["sinks"] == ["late-lines"]
    assert described["stores"][1] == {
        "name": "line-stats",
        "kind": "window",
        "changelog": "shop-line-stats-changelog",
        "key": "str",
        "value": "int",
        "window": {"size_ms": 60_000, "grace_ms": 10_000, "retention_ms": 86_400_000},
        "sub_topology": 2,
    }


def test_compiling_again_after_a_change_sees_the_change() -> None:
    app = shop()
    before = app.topology()
    assert app.topology() is before
    app.topic("more", value=str).count(name="more-counts")
    assert len(app.topology().sub_topologies) == 4


@pytest.mark.parametrize(
    ("name", "expected"), [("page_stats", "page-stats"), ("_private", "private"), ("x", "x")]
)
def test_a_steps_name_is_its_functions(name: str, expected: str) -> None:
    def function() -> None: ...

    function.__name__ = name
    assert step_name(function) == expected


def test_the_type_of_what_is_repartitioned_must_be_known() -> None:
    app = fl.App("app")
    lines = app.topic("lines", value=str)

    @app.stream(lines)
    def silent(line):  # type: ignore[no-untyped-def]
        return line

    silent.group_by(lambda line: "x", name="by-line", key=str).count(name="counts")
    with pytest.raises(TopologyError, match="types of what by-line gives"):
        app.topology()


def test_nothing_of_the_users_text_is_in_the_generated_code() -> None:
    app = fl.App("app")
    topic: Any = app.topic("evil.import_os", value=str)
    app.stream(topic, name="raise-SystemExit", to=app.topic("out", value=str))(lambda v: v)
    [sub] = app.topology().sub_topologies
    source = sub.sources[0].segment.source
    assert "import_os" not in source
    assert "SystemExit" not in source
