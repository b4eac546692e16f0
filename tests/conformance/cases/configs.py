"""DescribeConfigs, AlterConfigs, IncrementalAlterConfigs and ListConfigResources."""

from __future__ import annotations

from typing import Any

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
DESCRIBE, ALTER, INCREMENTAL, LIST = 32, 33, 44, 74


def describe(kind: int, name: str, *keys: str, synonyms: bool = True) -> Any:
    m = messages.describe_configs
    return m.DescribeConfigsRequest(
        resources=(
            m.DescribeConfigsResource(
                resource_type=kind, resource_name=name, configuration_keys=keys or None
            ),
        ),
        include_synonyms=synonyms,
    )


def alter(kind: int, name: str, *, validate: bool = False, **values: str | None) -> Any:
    m = messages.alter_configs
    return m.AlterConfigsRequest(
        resources=(
            m.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=tuple(
                    m.AlterableConfig(name=key.replace("_", "."), value=value)
                    for key, value in values.items()
                ),
            ),
        ),
        validate_only=validate,
    )


def edit(kind: int, name: str, *edits: tuple[str, int, str | None], validate: bool = False) -> Any:
    m = messages.incremental_alter_configs
    return m.IncrementalAlterConfigsRequest(
        resources=(
            m.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=tuple(
                    m.AlterableConfig(name=key, config_operation=operation, value=value)
                    for key, operation, value in edits
                ),
            ),
        ),
        validate_only=validate,
    )


@case(DESCRIBE)
def a_topics_settings_with_their_layers(probe: Probe) -> None:
    topic = probe.topic("topic", configs={"retention.ms": "1234567"})
    probe.ask(describe(TOPIC, topic, "retention.ms", "cleanup.policy", "no.such.key"))


@case(DESCRIBE)
def a_topic_that_is_not_there(probe: Probe) -> None:
    probe.ask(describe(TOPIC, probe.name("missing"), "retention.ms"))
    probe.ask(describe(TOPIC, "", "retention.ms"))
    probe.ask(describe(TOPIC, "not/a/name", "retention.ms"))


@case(DESCRIBE)
def this_brokers_settings(probe: Probe) -> None:
    probe.ask(describe(BROKER, "1", "log.retention.ms", "message.max.bytes", "num.partitions"))
    probe.ask(describe(BROKER, "1", "node.id", "no.such.key"))


@case(DESCRIBE)
def every_brokers_settings(probe: Probe) -> None:
    probe.ask(describe(BROKER, "", "message.max.bytes"))


@case(DESCRIBE)
def another_brokers_settings(probe: Probe) -> None:
    probe.ask(describe(BROKER, "77", "message.max.bytes"))
    probe.ask(describe(BROKER, "x", "message.max.bytes"))


@case(DESCRIBE)
def a_brokers_loggers(probe: Probe) -> None:
    probe.ask(describe(LOGGER, "77", "root"))
    probe.ask(describe(LOGGER, "", "root"))
    probe.ask(describe(LOGGER, "x", "root"))


@case(DESCRIBE)
def a_groups_settings(probe: Probe) -> None:
    probe.ask(describe(GROUP, probe.name("group"), "consumer.session.timeout.ms"))
    probe.ask(describe(GROUP, ""))


@case(DESCRIBE)
def client_metrics(probe: Probe) -> None:
    probe.ask(describe(METRICS, probe.name("missing")))
    probe.ask(describe(METRICS, ""))


@case(DESCRIBE)
def a_kind_that_does_not_exist(probe: Probe) -> None:
    probe.ask(describe(0, "a"))
    probe.ask(describe(99, "a"))


@case(ALTER)
def a_topics_settings_are_replaced(probe: Probe) -> None:
    topic = probe.topic("topic", configs={"retention.ms": "1234567"})
    probe.ask(alter(TOPIC, topic, validate=True, max_message_bytes="5000"))
    probe.ask(alter(TOPIC, topic, max_message_bytes="5000"))
    probe.ask_until(
        describe(TOPIC, topic, "retention.ms", "max.message.bytes"),
        lambda answer: any(row.value == "5000" for row in answer.results[0].configs),
        api_key=DESCRIBE,
        version=4,
    )


@case(ALTER)
def settings_that_are_refused(probe: Probe) -> None:
    topic = probe.topic("topic")
    probe.ask(alter(TOPIC, topic, no_such_key="1"))
    probe.ask(alter(TOPIC, topic, retention_ms="soon"))
    probe.ask(alter(TOPIC, topic, retention_ms=None))
    probe.ask(alter(TOPIC, probe.name("missing"), retention_ms="1"))
    probe.ask(alter(TOPIC, "", retention_ms="1"))
    probe.ask(alter(BROKER, "1", node_id="2"))
    probe.ask(alter(BROKER, "77", message_max_bytes="5000"))
    probe.ask(alter(BROKER, "x", message_max_bytes="5000"))
    probe.ask(alter(LOGGER, "1", root="INFO"))
    probe.ask(alter(0, "a", root="INFO"))
    probe.ask(alter(99, "a", root="INFO"))


@case(INCREMENTAL)
def settings_are_set_and_taken_back(probe: Probe) -> None:
    topic = probe.topic("topic", configs={"retention.ms": "1234567"})
    probe.ask(edit(TOPIC, topic, ("retention.ms", DELETE, None), ("segment.ms", SET, "100000")))
    probe.ask_until(
        describe(TOPIC, topic, "retention.ms", "segment.ms"),
        lambda answer: any(row.value == "100000" for row in answer.results[0].configs),
        api_key=DESCRIBE,
        version=4,
    )


@case(INCREMENTAL)
def lists_are_extended_and_shortened(probe: Probe) -> None:
    topic = probe.topic("topic")
    probe.ask(edit(TOPIC, topic, ("cleanup.policy", APPEND, "compact")))
    shown = describe(TOPIC, topic, "cleanup.policy")
    probe.ask_until(
        shown,
        lambda answer: answer.results[0].configs[0].value == "delete,compact",
        api_key=DESCRIBE,
        version=4,
    )
    probe.ask(edit(TOPIC, topic, ("cleanup.policy", SUBTRACT, "delete")))
    probe.ask_until(
        shown,
        lambda answer: answer.results[0].configs[0].value == "compact",
        api_key=DESCRIBE,
        version=4,
    )


@case(INCREMENTAL)
def edits_that_are_refused(probe: Probe) -> None:
    topic = probe.topic("topic")
    probe.ask(edit(TOPIC, topic, ("no.such.key", SET, "1")))
    probe.ask(edit(TOPIC, topic, ("retention.ms", SET, "soon")))
    probe.ask(edit(TOPIC, topic, ("retention.ms", SET, None)))
    probe.ask(edit(TOPIC, topic, ("retention.ms", APPEND, "1")))
    probe.ask(edit(TOPIC, topic, ("retention.ms", 9, "1")))
    probe.ask(edit(TOPIC, topic, ("no.such.key", DELETE, None)))
    probe.ask(edit(TOPIC, topic, ("retention.ms", SET, "1"), ("retention.ms", SET, "2")))
    probe.ask(edit(TOPIC, probe.name("missing"), ("retention.ms", SET, "1")))
    probe.ask(edit(TOPIC, "", ("retention.ms", SET, "1")))
    probe.ask(edit(BROKER, "1", ("node.id", SET, "2")))
    probe.ask(edit(BROKER, "1", ("no.such.key", SET, "2")))
    probe.ask(edit(BROKER, "77", ("message.max.bytes", SET, "5000")))
    probe.ask(edit(BROKER, "x", ("message.max.bytes", SET, "5000")))
    probe.ask(edit(0, "a", ("a", SET, "1")))
    probe.ask(edit(99, "a", ("a", SET, "1")))


@case(INCREMENTAL)
def a_brokers_setting_shows_its_layers(probe: Probe) -> None:
    shown = describe(BROKER, "1", "log.cleaner.delete.retention.ms")
    probe.ask(edit(BROKER, "1", ("log.cleaner.delete.retention.ms", SET, "70000000")))
    probe.ask(edit(BROKER, "", ("log.cleaner.delete.retention.ms", SET, "80000000")))
    probe.ask_until(
        shown,
        lambda answer: len(answer.results[0].configs[0].synonyms) == 3,
        api_key=DESCRIBE,
        version=4,
    )
    probe.ask(edit(BROKER, "1", ("log.cleaner.delete.retention.ms", DELETE, None)))
    probe.ask(edit(BROKER, "", ("log.cleaner.delete.retention.ms", DELETE, None)))
    probe.ask_until(
        shown,
        lambda answer: answer.results[0].configs[0].value == "86400000",
        api_key=DESCRIBE,
        version=4,
    )


@case(INCREMENTAL)
def a_loggers_level(probe: Probe) -> None:
    probe.ask(edit(LOGGER, "1", ("no.such.logger", SET, "INFO")))
    probe.ask(edit(LOGGER, "1", ("root", SET, "LOUD")))
    probe.ask(edit(LOGGER, "1", ("root", APPEND, "INFO")))
    probe.ask(edit(LOGGER, "1", ("root", SUBTRACT, "INFO")))
    probe.ask(edit(LOGGER, "1", ("root", DELETE, None)))
    probe.ask(edit(LOGGER, "77", ("root", SET, "INFO")))
    probe.ask(edit(LOGGER, "", ("root", SET, "INFO")))
    probe.ask(edit(LOGGER, "1", ("root", SET, "INFO"), validate=True))


@case(INCREMENTAL)
def a_groups_own_settings(probe: Probe) -> None:
    group = probe.name("group")
    probe.ask(edit(GROUP, group, ("consumer.session.timeout.ms", SET, "50000"), validate=True))
    probe.ask(edit(GROUP, group, ("consumer.session.timeout.ms", SET, "50000")))
    probe.ask_until(
        describe(GROUP, group, "consumer.session.timeout.ms"),
        lambda answer: answer.results[0].configs[0].value == "50000",
        api_key=DESCRIBE,
        version=4,
    )
    probe.ask(edit(GROUP, group, ("consumer.session.timeout.ms", SET, "1")))
    probe.ask(edit(GROUP, group, ("consumer.heartbeat.interval.ms", SET, "1")))
    probe.ask(edit(GROUP, group, ("consumer.session.timeout.ms", SET, "soon")))
    probe.ask(edit(GROUP, group, ("consumer.session.timeout.ms", APPEND, "50000")))
    probe.ask(edit(GROUP, group, ("no.such.key", SET, "1")))
    probe.ask(edit(GROUP, "", ("consumer.session.timeout.ms", SET, "50000")))
    probe.ask(edit(GROUP, group, ("consumer.session.timeout.ms", DELETE, None)))


@case(INCREMENTAL)
def a_client_metrics_subscription(probe: Probe) -> None:
    name = probe.name("subscription")
    probe.ask(edit(METRICS, name, ("interval.ms", SET, "10000"), ("metrics", SET, "org.a,org.b")))
    probe.ask_until(
        describe(METRICS, name),
        lambda answer: any(row.value == "10000" for row in answer.results[0].configs),
        api_key=DESCRIBE,
        version=4,
    )
    probe.ask(edit(METRICS, name, ("metrics", APPEND, "org.c")))
    probe.ask(edit(METRICS, name, ("match", SET, "client_id=a.*,client_software_name=b")))
    probe.ask(edit(METRICS, name, ("match", SET, "no_such_thing=a")))
    probe.ask(edit(METRICS, name, ("match", SET, "client_id")))
    probe.ask(edit(METRICS, name, ("match", SET, "client_id=[")))
    probe.ask(edit(METRICS, name, ("interval.ms", SET, "1")))
    probe.ask(edit(METRICS, name, ("interval.ms", SET, "9999999")))
    probe.ask(edit(METRICS, name, ("no.such.key", SET, "1")))
    probe.ask(edit(METRICS, "", ("interval.ms", SET, "10000")))
    probe.ask(
        edit(
            METRICS,
            name,
            ("interval.ms", DELETE, None),
            ("metrics", DELETE, None),
            ("match", DELETE, None),
        )
    )


@case(LIST)
def no_such_kinds(probe: Probe) -> None:
    m = messages.list_config_resources
    if probe.version:
        probe.ask(m.ListConfigResourcesRequest(resource_types=(99,)))
        probe.ask(m.ListConfigResourcesRequest(resource_types=(0,)))
        probe.ask(m.ListConfigResourcesRequest(resource_types=(BROKER, LOGGER)))
    else:
        probe.ask(m.ListConfigResourcesRequest())
