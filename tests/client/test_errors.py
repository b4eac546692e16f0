"""librdkafka's errors as ours: a stable code, a hint, a command to try."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from flowlog.client.errors import client_error, group_not_found, topic_not_found


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(KafkaError._TRANSPORT, "CANNOT_CONNECT", id="connection lost"),
        pytest.param(KafkaError._ALL_BROKERS_DOWN, "CANNOT_CONNECT", id="all brokers down"),
        pytest.param(KafkaError._AUTHENTICATION, "AUTH_FAILED", id="login refused"),
        pytest.param(KafkaError.SASL_AUTHENTICATION_FAILED, "AUTH_FAILED", id="SASL refused"),
        pytest.param(KafkaError.TOPIC_AUTHORIZATION_FAILED, "NOT_ALLOWED", id="no permission"),
        pytest.param(KafkaError._TIMED_OUT, "TIMED_OUT", id="client's time limit"),
        pytest.param(KafkaError.REQUEST_TIMED_OUT, "TIMED_OUT", id="broker's time limit"),
        pytest.param(KafkaError.UNKNOWN_TOPIC_OR_PART, "TOPIC_NOT_FOUND", id="unknown topic"),
        pytest.param(KafkaError.TOPIC_ALREADY_EXISTS, "TOPIC_ALREADY_EXISTS", id="the wire's name"),
        pytest.param(KafkaError._QUEUE_FULL, "QUEUE_FULL", id="librdkafka's name, no underscore"),
    ],
)
def test_an_error_gets_a_stable_code(number: int, code: str) -> None:
    assert client_error(KafkaError(number), "do it").code == code


def test_the_message_is_one_line_without_librdkafkas_prefix() -> None:
    error = client_error(KafkaError(KafkaError.INVALID_CONFIG, "Broker: wrong\n  value"), "do it")
    assert str(error) == "cannot do it: wrong value"


def test_a_missing_leader_is_worth_another_try() -> None:
    assert client_error(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "x").retriable in (
        True,
        False,
    )
    assert not client_error(KafkaError(KafkaError.TOPIC_ALREADY_EXISTS), "x").retriable


def test_an_unknown_topic_names_the_closest_there_is() -> None:
    error = topic_not_found("oders", ["orders", "payments"])
    assert error.hint == "did you mean 'orders'?"
    assert error.try_command == "flowlog topics list"
    assert topic_not_found("x", ["orders"]).hint == "topic names are case-sensitive"


def test_an_unknown_group_names_the_closest_there_is() -> None:
    assert group_not_found("shp", ["shop"]).hint == "did you mean 'shop'?"
