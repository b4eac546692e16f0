"""share.auto.offset.reset: the words and durations that Kafka takes, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.config.group_keys import GROUP_KEYS, check_group_value
from flowlog.broker.config.layers import BrokerLayers, ConfigSource, group_layers, group_values
from flowlog.broker.config.share_reset import ResetKind, ShareReset, parse_share_reset
from flowlog.errors import ConfigError

STOCK = BrokerLayers({}, {}, BrokerConfig())


@pytest.mark.parametrize(
    ("text", "reset"),
    [
        ("earliest", ShareReset(ResetKind.EARLIEST)),
        ("latest", ShareReset(ResetKind.LATEST)),
        ("by_duration:PT1H", ShareReset(ResetKind.BY_DURATION, 3_600_000)),
        ("by_duration:P2D", ShareReset(ResetKind.BY_DURATION, 172_800_000)),
        ("by_duration:P1DT2H3M4.5S", ShareReset(ResetKind.BY_DURATION, 93_784_500)),
        ("by_duration:PT0S", ShareReset(ResetKind.BY_DURATION, 0)),
    ],
)
def test_a_place_to_begin(text: str, reset: ShareReset) -> None:
    assert parse_share_reset(text) == reset


@pytest.mark.parametrize(
    "text",
    ["", "none", "Latest", "by_duration", "by_duration:", "by_duration:P", "by_duration:PT",
     "by_duration:-PT1H", "by_duration:1H", "by_duration:P1M", "by_duration:PT1.5H"],
)  # fmt: skip
def test_no_place_to_begin(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_share_reset(text)
    with pytest.raises(ConfigError):
        check_group_value("share.auto.offset.reset", text, STOCK)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_share_reset(f"by_duration:{text}")
    except ConfigError:
        pass
    else:
        assert text[0] in "Pp"


def test_a_share_groups_settings_are_kafkas() -> None:
    values = group_values({}, STOCK)
    assert values["share.session.timeout.ms"] == 45_000
    assert values["share.heartbeat.interval.ms"] == 5_000
    assert values["share.record.lock.duration.ms"] == 30_000
    assert values["share.delivery.count.limit"] == 5
    assert values["share.partition.max.record.locks"] == 2_000
    assert values["share.auto.offset.reset"] == "latest"
    assert values["share.isolation.level"] == "read_uncommitted"
    assert values["share.renew.acknowledge.enable"] is True


def test_a_setting_without_a_brokers_own_comes_from_the_group_or_the_default() -> None:
    key = GROUP_KEYS["share.auto.offset.reset"]
    layers = list(group_layers(key, {key.name: "earliest"}, STOCK))
    assert [(row.text, row.source) for row in layers] == [
        ("earliest", ConfigSource.DYNAMIC_GROUP),
        ("latest", ConfigSource.DEFAULT),
    ]


def test_a_number_outside_the_brokers_bounds_is_refused() -> None:
    check_group_value("share.record.lock.duration.ms", "15000", STOCK)
    for name, text in (
        ("share.record.lock.duration.ms", "14999"),
        ("share.record.lock.duration.ms", "60001"),
        ("share.session.timeout.ms", "44999"),
        ("share.delivery.count.limit", "11"),
        ("share.partition.max.record.locks", "99"),
    ):
        with pytest.raises(ConfigError):
            check_group_value(name, text, STOCK)
