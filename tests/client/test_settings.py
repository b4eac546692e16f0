"""Addresses and properties as people write them."""

from __future__ import annotations

import pytest

from flowlog.client.settings import Address, ClientSettings, parse_bootstrap, parse_property
from flowlog.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        pytest.param("localhost:9092", (Address("localhost", 9092),), id="host and port"),
        pytest.param("kafka", (Address("kafka", 9092),), id="the port is Kafka's if left out"),
        pytest.param("a:1, b:2,", (Address("a", 1), Address("b", 2)), id="several, blanks allowed"),
        pytest.param("[::1]:19092", (Address("::1", 19092),), id="IPv6 in brackets"),
        pytest.param("PLAINTEXT://a:1", (Address("a", 1),), id="with a protocol, as Kafka writes"),
    ],
)
def test_bootstrap_addresses_are_read(text: str, addresses: tuple[Address, ...]) -> None:
    assert parse_bootstrap(text) == addresses


@pytest.mark.parametrize("text", ["", ",", "a:0", "a:65536", "a:b", "a b:1", ":9092"])
def test_a_bootstrap_address_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_bootstrap(text)


def test_an_ipv6_address_is_written_with_its_brackets() -> None:
    assert str(Address("::1", 9092)) == "[::1]:9092"


def test_the_users_properties_go_over_our_own() -> None:
    settings = ClientSettings("a:1", {"client.id": "mine"})
    assert settings.librdkafka({"linger.ms": 5})["client.id"] == "mine"
    assert settings.librdkafka({"linger.ms": 5})["linger.ms"] == 5
    assert settings.librdkafka({})["bootstrap.servers"] == "a:1"


def test_a_property_keeps_the_equals_signs_of_its_value() -> None:
    assert parse_property("sasl.jaas=a=b") == ("sasl.jaas", "a=b")


@pytest.mark.parametrize("text", ["", "key", "=value"])
def test_a_property_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_property(text)
