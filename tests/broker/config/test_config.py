"""Settings in Kafka's spelling: read, refused, layered."""

from __future__ import annotations

import pytest

from flowlog.broker.config.broker_config import BrokerConfig, Endpoint
from flowlog.broker.config.broker_keys import BROKER_KEYS
from flowlog.broker.config.layers import BrokerLayers, ConfigSource, topic_layers, topic_values
from flowlog.broker.config.topic_keys import TOPIC_KEYS
from flowlog.errors import ConfigError


@pytest.mark.parametrize("keys", [BROKER_KEYS, TOPIC_KEYS], ids=["broker", "topic"])
def test_every_default_fits_its_own_type_and_bounds(keys: dict[str, object]) -> None:
    for key in (*BROKER_KEYS.values(), *TOPIC_KEYS.values()):
        if key.default is not None:
            key.parse(key.default)


def test_an_unknown_setting_is_an_error_that_names_the_closest_one() -> None:
    with pytest.raises(ConfigError) as caught:
        BrokerConfig.from_properties({"log.retention.mss": "1"})
    assert "log.retention.ms" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("num.partitions", "0"),
        ("num.partitions", "three"),
        ("auto.create.topics.enable", "maybe"),
        ("log.cleanup.policy", "delete,burn"),
        ("durability", "hope"),
        ("listeners", "SSL://127.0.0.1:9092"),
        ("listeners", "127.0.0.1"),
        ("listeners", "PLAINTEXT://127.0.0.1:70000"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError):
        BrokerConfig.from_properties({name: text})


def test_retention_may_be_given_in_hours_minutes_or_milliseconds() -> None:
    def retention_ms(**given: str) -> int:
        properties = {f"log.retention.{unit}": text for unit, text in given.items()}
        return BrokerConfig.from_properties(properties).integer("log.retention.ms")

    assert retention_ms(hours="2") == 7_200_000
    assert retention_ms(hours="2", minutes="3") == 180_000
    assert retention_ms(hours="2", minutes="3", ms="4") == 4
    assert retention_ms() == 7 * 24 * 3_600_000


def test_fsync_durability_means_a_flush_before_each_acknowledgement() -> None:
    config = BrokerConfig.from_properties({"durability": "fsync"})
    assert config.integer("log.flush.interval.messages") == 1


def test_an_ipv6_listener_keeps_its_colons() -> None:
    assert Endpoint.parse("PLAINTEXT://[::1]:9092") == Endpoint("PLAINTEXT", "::1", 9092)


def test_the_topics_own_value_goes_before_the_brokers() -> None:
    given = BrokerConfig.from_properties({"log.retention.ms": "3"})
    key = TOPIC_KEYS["retention.ms"]
    broker = BrokerLayers(
        own={"log.retention.ms": "1"}, every={"log.retention.ms": "2"}, given=given
    )
    layers = list(topic_layers(key, {"retention.ms": "0"}, broker))
    assert [(layer.text, layer.source) for layer in layers] == [
        ("0", ConfigSource.TOPIC),
        ("1", ConfigSource.DYNAMIC_BROKER),
        ("2", ConfigSource.DYNAMIC_DEFAULT_BROKER),
        ("3", ConfigSource.STATIC_BROKER),
        (key.default, ConfigSource.DEFAULT),
    ]


def test_every_topic_setting_has_a_value_in_force() -> None:
    values = topic_values({}, BrokerLayers({}, {}, BrokerConfig()))
    assert values.keys() == TOPIC_KEYS.keys()
    assert values["cleanup.policy"] == ("delete",)
