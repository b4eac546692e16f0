"""Kafka's own console tools, unchanged, doing what their manuals show.

All of them run in one JVM, by their main methods: see `java/Tools.java`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from kio.schema.errors import ErrorCode

from tests.e2e.clients.java import JavaClient, ToolResult
from tests.e2e.conftest import AnyBroker
from tests.e2e.waiting import DEADLINE_S, wait_until
from tests.e2e.zombies.raw_producer import RawProducer

TOOLS = "org.apache.kafka.tools"
TOPICS = f"{TOOLS}.TopicCommand"
CONFIGS = "kafka.admin.ConfigCommand"
GROUPS = f"{TOOLS}.consumer.group.ConsumerGroupCommand"
SHARE_GROUPS = f"{TOOLS}.consumer.group.ShareGroupCommand"
PRODUCER = f"{TOOLS}.ConsoleProducer"
CONSUMER = f"{TOOLS}.consumer.ConsoleConsumer"
SHARE_CONSUMER = f"{TOOLS}.consumer.ConsoleShareConsumer"

FEATURES = f"{TOOLS}.FeatureCommand"
QUORUM = f"{TOOLS}.MetadataQuorumCommand"
TRANSACTIONS = f"{TOOLS}.TransactionsCommand"
VERIFIABLE_PRODUCER = f"{TOOLS}.VerifiableProducer"
VERIFIABLE_CONSUMER = f"{TOOLS}.VerifiableConsumer"
ADDRESS_FIRST = {FEATURES, QUORUM, TRANSACTIONS}
ALONE = {VERIFIABLE_PRODUCER, VERIFIABLE_CONSUMER}

Tool = Callable[..., ToolResult]


@pytest.fixture(scope="module")
def tool(client_factory: Callable[[str], JavaClient], flowlog_broker: AnyBroker) -> Tool:
    """Run a tool against the broker; fails unless it ends with `exit_code`."""
    java = client_factory("java")

    def run(main: str, *arguments: str, stdin: str = "", exit_code: int = 0) -> ToolResult:
        address = ("--bootstrap-server", flowlog_broker.bootstrap)
        given = (*address, *arguments) if main in ADDRESS_FIRST else (*arguments, *address)
        if main in ALONE:
            result = java.tool_alone(main, *given, timeout_s=DEADLINE_S)
        else:
            result = java.tool(main, *given, stdin=stdin)
        assert result.exit_code == exit_code, f"{main} {arguments}:\n{result.out}\n{result.err}"
        return result

    return run


@pytest.fixture
def name() -> str:
    return f"tool-{uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def consumed(tool: Tool) -> str:
    """A topic of three records in two partitions, and a group of its name that has read them."""
    topic = f"tool-{uuid4().hex[:12]}"
    tool(TOPICS, "--create", "--topic", topic, "--partitions", "2")
    tool(PRODUCER, "--topic", topic, stdin="a\nb\nc\n")
    _consume(tool, topic, 3, "--group", topic)
    return topic


def _consume(tool: Tool, topic: str, count: int, *more: str) -> list[str]:
    result = tool(
        CONSUMER, "--topic", topic, "--from-beginning", "--max-messages", str(count), *more
    )
    return sorted(result.out.splitlines())


def test_topics_are_made_shown_grown_and_deleted(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", name, "--partitions", "2", "--config", "retention.ms=1000")
    tool(TOPICS, "--create", "--topic", name, "--if-not-exists")
    assert "already exists" in tool(TOPICS, "--create", "--topic", name, exit_code=1).out
    assert [name] in tool(TOPICS, "--list").rows()

    tool(TOPICS, "--alter", "--topic", name, "--partitions", "3")
    head, *partitions = tool(TOPICS, "--describe", "--topic", name).out.strip().splitlines()
    assert "PartitionCount: 3\tReplicationFactor: 1" in head
    assert "retention.ms=1000" in head
    assert [line.split("\t")[3] for line in partitions] == ["Leader: 1"] * 3
    assert tool(TOPICS, "--describe", "--under-replicated-partitions").rows() == []

    tool(TOPICS, "--delete", "--topic", name)
    assert "does not exist" in tool(TOPICS, "--describe", "--topic", name, exit_code=1).out


def test_a_name_that_collides_in_metrics_is_refused(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", f"{name}.a")
    refused = tool(TOPICS, "--create", "--topic", f"{name}_a", exit_code=1)

    assert "collides" in refused.out


def test_what_the_console_producer_writes_the_console_consumer_reads(tool: Tool, name: str) -> None:
    keyed = ("--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    tool(PRODUCER, "--topic", name, *keyed, stdin="k1:v1\nk2:v2\nk3:v3\n")

    found = _consume(tool, name, 3, "--formatter-property", "print.key=true")

    assert found == ["k1\tv1", "k2\tv2", "k3\tv3"]


def test_groups_are_listed_and_described(tool: Tool, consumed: str) -> None:
    assert [consumed] in tool(GROUPS, "--list").rows()
    assert [consumed, "Empty"] in tool(GROUPS, "--list", "--state").rows()
    described = tool(GROUPS, "--describe", "--group", consumed)
    rows = [row[:6] for row in described.rows() if row[0] == consumed]
    assert sum(int(row[3]) for row in rows) == sum(int(row[4]) for row in rows) == 3
    assert {row[5] for row in rows} == {"0"}
    assert "has no active members" in described.err + described.out
    state = tool(GROUPS, "--describe", "--group", consumed, "--state").rows()[-1]
    assert (state[0], state[-2:]) == (consumed, ["Empty", "0"])


def test_offsets_of_a_group_are_reset_and_deleted(tool: Tool, consumed: str, name: str) -> None:
    group = name

    def offsets(*words: str) -> list[int]:
        scope = ("--group", group, "--topic", consumed)
        rows = tool(GROUPS, "--reset-offsets", *scope, *words).rows()
        return sorted(int(row[3]) for row in rows if row[0] == group)

    ends = offsets("--to-latest", "--execute")
    assert sum(ends) == 3
    assert offsets("--to-earliest", "--execute") == [0, 0]
    assert offsets("--shift-by", "1", "--execute") == [min(end, 1) for end in ends]
    assert offsets("--to-current", "--dry-run") == [min(end, 1) for end in ends]

    deleted = tool(GROUPS, "--delete-offsets", "--group", group, "--topic", consumed)
    assert "Successful" in deleted.out
    tool(GROUPS, "--delete", "--group", group)
    gone = tool(GROUPS, "--describe", "--group", group)
    assert "GroupIdNotFoundException" in gone.out


def test_settings_of_topics_and_brokers_are_shown_and_changed(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", name, "--config", "retention.ms=100000")
    tool(
        CONFIGS,
        *("--alter", "--topic", name),
        *("--add-config", "max.message.bytes=5000", "--delete-config", "retention.ms"),
    )
    shown = tool(CONFIGS, "--describe", "--topic", name).out
    assert "max.message.bytes=5000 sensitive=false" in shown
    assert "retention.ms" not in shown
    refused = tool(CONFIGS, "--alter", "--topic", name, "--add-config", "no.such=1", exit_code=1)
    assert "InvalidConfigurationException" in refused.err

    every = ("--entity-type", "brokers", "--entity-default")
    tool(CONFIGS, "--alter", *every, "--add-config", "log.cleaner.delete.retention.ms=123456789")
    assert "ms=123456789" in tool(CONFIGS, "--describe", *every).out
    tool(CONFIGS, "--alter", *every, "--delete-config", "log.cleaner.delete.retention.ms")
    assert "ms=123456789" not in tool(CONFIGS, "--describe", *every).out


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        pytest.param("users", "producer_byte_rate=1024.0", id="quotas"),
        pytest.param("groups", "consumer.session.timeout.ms=50000", id="groups"),
        pytest.param("client-metrics", "interval.ms=10000", id="client metrics"),
    ],
)
def test_settings_of_other_kinds_are_kept(tool: Tool, name: str, kind: str, setting: str) -> None:
    entity = ("--entity-type", kind, "--entity-name", name)
    tool(CONFIGS, "--alter", *entity, "--add-config", setting)
    assert setting in tool(CONFIGS, "--describe", *entity).out

    tool(CONFIGS, "--alter", *entity, "--delete-config", setting.partition("=")[0])
    assert setting not in tool(CONFIGS, "--describe", *entity).out


def test_a_brokers_loggers_are_shown_and_changed(tool: Tool) -> None:
    before = tool(CONFIGS, "--describe", "--broker-logger", "1").out
    [level] = [line.split()[0] for line in before.splitlines() if "  root=" in line]
    try:
        tool(CONFIGS, "--alter", "--broker-logger", "1", "--add-config", "root=ERROR")
        assert "root=ERROR" in tool(CONFIGS, "--describe", "--broker-logger", "1").out
    finally:
        tool(CONFIGS, "--alter", "--broker-logger", "1", "--add-config", level)


def test_the_performance_and_verifiable_tools_send_and_receive(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", name, "--partitions", "2")
    size = ("--record-size", "100", "--throughput", "-1")
    sent = tool(f"{TOOLS}.ProducerPerformance", "--topic", name, "--num-records", "1000", *size).out
    assert sent.startswith("1000 records sent")
    read = tool(
        f"{TOOLS}.ConsumerPerformance",
        *("--topic", name, "--num-records", "1000", "--timeout", "20000"),
    ).out
    assert read.splitlines()[-1].split(", ")[4] == "1000"

    produced = tool(VERIFIABLE_PRODUCER, "--topic", name, "--max-messages", "7").out
    assert _events(produced).count("producer_send_success") == 7
    consumed = tool(
        VERIFIABLE_CONSUMER,
        *("--topic", name, "--group-id", name, "--max-messages", "7"),
        *("--reset-policy", "earliest"),
    ).out
    assert {"partitions_assigned", "records_consumed", "offsets_committed"} <= set(
        _events(consumed)
    )


def _events(lines: str) -> list[str]:
    return [json.loads(line)["name"] for line in lines.splitlines() if line.startswith("{")]


def test_where_things_are_and_how_far(tool: Tool, consumed: str) -> None:
    ends = tool(f"{TOOLS}.GetOffsetShell", "--topic", consumed).out.split()
    assert sum(int(line.rpartition(":")[2]) for line in ends) == 3
    folders = tool(f"{TOOLS}.LogDirsCommand", "--describe", "--topic-list", consumed).out
    [broker] = json.loads(folders.splitlines()[-1])["brokers"]
    sizes = {row["partition"]: row["size"] for row in broker["logDirs"][0]["partitions"]}
    assert set(sizes) == {f"{consumed}-0", f"{consumed}-1"}
    assert sum(sizes.values()) > 0

    elected = tool(
        f"{TOOLS}.LeaderElectionCommand",
        *("--election-type", "preferred", "--topic", consumed, "--partition", "0"),
    )
    assert "already elected" in elected.out
    refused = tool(f"{TOOLS}.ClusterTool", "unregister", "--id", "77", exit_code=1)
    assert "BrokerIdNotRegisteredException" in refused.out + refused.err


def test_the_cluster_shows_its_features_apis_and_quorum(tool: Tool) -> None:
    features = tool(FEATURES, "describe").out
    assert "FinalizedVersionLevel: 4.3-IV0" in features
    assert "group.version" in features
    assert "Fetch(1): " in tool(f"{TOOLS}.BrokerApiVersionsCommand").out
    status = dict(
        line.split(":", 1) for line in _quorum(tool, "--status").splitlines() if ":" in line
    )
    assert status["LeaderId"].strip() == "1"
    assert int(status["HighWatermark"]) > 0
    assert _quorum(tool, "--replication").splitlines()[1].split()[-1] == "Leader"


def _quorum(tool: Tool, what: str) -> str:
    return tool(QUORUM, "describe", what).out


def test_transactions_are_listed_described_and_aborted(
    tool: Tool, name: str, flowlog_broker: AnyBroker
) -> None:
    tool(TOPICS, "--create", "--topic", name, "--partitions", "1")
    with closing(RawProducer(flowlog_broker.bootstrap, name, version=2)) as producer:
        producer.start()
        wait_until(lambda: producer.write(name, 0, b"open") is ErrorCode.none, what="a transaction")
        owner = str(producer.producer_id)
        assert [name, "1", owner, "Ongoing"] in tool(TRANSACTIONS, "list").rows()
        row = tool(TRANSACTIONS, "describe", "--transactional-id", name).rows()[-1]
        assert row[:6] == ["1", name, owner, "0", "Ongoing", "60000"]
        assert row[-1] == f"{name}-0"

        place = ("--topic", name, "--partition", "0")
        (row,) = tool(TRANSACTIONS, "describe-producers", *place).rows()[1:]
        assert (row[0], row[-1]) == (owner, "0")
        search = ("--topic", name, "--max-transaction-timeout", "0")
        assert tool(TRANSACTIONS, "find-hanging", *search).rows()[1:] == [], "it is known of"
        tool(TRANSACTIONS, "abort", *place, "--start-offset", "0")
        (row,) = tool(TRANSACTIONS, "describe-producers", *place).rows()[1:]
        assert row[-1] == "None"
        tool(TRANSACTIONS, "abort", *place, "--start-offset", "0", exit_code=1)
        tool(TRANSACTIONS, "forceTerminateTransaction", "--transactionalId", name)
        assert producer.end(commit=True) is not ErrorCode.none


def test_the_performance_tool_sends_in_transactions(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", name, "--partitions", "1")
    sent = tool(
        f"{TOOLS}.ProducerPerformance",
        *("--topic", name, "--num-records", "500", "--record-size", "10", "--throughput", "-1"),
        *("--transactional-id", name, "--transaction-duration-ms", "20"),
    )
    assert sent.out.startswith("500 records sent")
    committed = ("--command-property", "isolation.level=read_committed")
    assert len(_consume(tool, name, 500, *committed)) == 500


def test_records_are_deleted_by_a_file_of_offsets(tool: Tool, name: str, tmp_path: Path) -> None:
    tool(PRODUCER, "--topic", name, stdin="a\nb\nc\n")
    path = tmp_path / "offsets.json"
    rows = [{"topic": name, "partition": 0, "offset": -1}]
    path.write_text(json.dumps({"partitions": rows, "version": 1}))

    tool(f"{TOOLS}.DeleteRecordsCommand", "--offset-json-file", str(path))

    offsets = (f"{TOOLS}.GetOffsetShell", "--topic-partitions", f"{name}:0", "--time")
    assert tool(*offsets, "-2").out == tool(*offsets, "-1").out


def test_share_groups_are_reset_described_and_deleted(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", name, "--partitions", "2")
    tool(PRODUCER, "--topic", name, stdin="a\nb\nc\n")
    scope = ("--group", name, "--topic", name)

    reset = tool(SHARE_GROUPS, "--reset-offsets", *scope, "--to-earliest", "--execute").rows()

    assert [name, name, "0", "0"] in reset
    assert [name, "Empty"] in tool(SHARE_GROUPS, "--list", "--state").rows()
    described = tool(SHARE_GROUPS, "--describe", "--group", name).rows()
    assert sum(int(row[4]) for row in described if row[:2] == [name, name]) == 3
    tool(SHARE_GROUPS, "--delete-offsets", *scope)
    tool(SHARE_GROUPS, "--delete", "--group", name)
    assert [name] not in tool(SHARE_GROUPS, "--list").rows()


def test_a_share_group_is_consumed_and_watched(tool: Tool, name: str) -> None:
    tool(TOPICS, "--create", "--topic", name, "--partitions", "1")
    tool(PRODUCER, "--topic", name, stdin="a\nb\nc\n")
    earliest = ("--alter", "--add-config", "share.auto.offset.reset=earliest")
    tool(CONFIGS, *earliest, "--entity-type", "groups", "--entity-name", name)

    consumed = tool(
        SHARE_CONSUMER, "--topic", name, "--group", name, "--max-messages", "2", "--reject"
    )

    assert consumed.out.split() == ["a", "b"]
    left = tool(SHARE_CONSUMER, "--topic", name, "--group", name, "--max-messages", "1")
    assert left.out.split() == ["c"]
    described = tool(SHARE_GROUPS, "--describe", "--group", name).rows()
    [(lag, *_)] = [row[4:] for row in described if row[:2] == [name, name]]
    assert lag == "0"
