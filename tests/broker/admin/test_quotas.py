"""Quotas: what is kept adds up to what was asked for, and filters find exactly what they name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from flowlog.broker.admin.quotas import MatchType, QuotaChange, decide_quotas, quota_filter
from flowlog.broker.controller.image import Entity, MetadataImage
from flowlog.broker.controller.records import decode_record, encode_record
from flowlog.errors import KafkaError

EXACT, DEFAULT, ANY = MatchType
NAMES = st.none() | st.sampled_from("ab")
ENTITIES = st.dictionaries(st.sampled_from(["client-id", "user"]), NAMES, min_size=1).map(
    lambda names: tuple(sorted(names.items(), key=lambda pair: pair[0]))
)
LIMITS = st.dictionaries(
    st.sampled_from(["producer_byte_rate", "consumer_byte_rate"]),
    st.none() | st.integers(1, 9).map(float),
)


@given(st.lists(st.tuples(ENTITIES, LIMITS)))
def test_replayed_records_add_up_to_the_changes(
    changes: list[tuple[Entity, dict[str, float | None]]],
) -> None:
    image, model = MetadataImage(), dict[Entity, dict[str, float]]()
    for entity, limits in changes:
        for record in decide_quotas(image, QuotaChange(entity, tuple(limits.items()))):
            image.apply(decode_record(encode_record(record)))
        kept = model.setdefault(entity, {})
        for key, value in limits.items():
            kept.pop(key, None)
            if value is not None:
                kept[key] = value
    assert image.quotas == {entity: kept for entity, kept in model.items() if kept}


def test_a_limit_that_is_there_needs_no_record() -> None:
    image = MetadataImage()
    change = QuotaChange((("user", "a"),), (("request_percentage", 5.0),))
    for record in decide_quotas(image, change):
        image.apply(record)

    assert decide_quotas(image, change) == []


@pytest.mark.parametrize(
    ("entity", "key", "value"),
    [
        pytest.param((), "producer_byte_rate", 1.0, id="nobody"),
        pytest.param((("planet", "a"),), "producer_byte_rate", 1.0, id="unknown kind"),
        pytest.param((("user", ""),), "producer_byte_rate", 1.0, id="empty name"),
        pytest.param((("user", "a"),), "speed", 1.0, id="unknown key"),
        pytest.param((("user", "a"),), "producer_byte_rate", 0.0, id="zero"),
        pytest.param((("user", "a"),), "producer_byte_rate", float("nan"), id="no number"),
        pytest.param((("user", "a"),), "producer_byte_rate", 1.5, id="a fraction of a byte"),
        pytest.param((("ip", "1.2.3.4"),), "producer_byte_rate", 1.0, id="a user's key by address"),
        pytest.param((("ip", "here"),), "connection_creation_rate", 1.0, id="no address"),
        pytest.param(
            (("ip", "1.2.3.4"), ("user", "a")), "connection_creation_rate", 1.0, id="mixed kinds"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(entity: Entity, key: str, value: float) -> None:
    with pytest.raises(KafkaError) as refused:
        decide_quotas(MetadataImage(), QuotaChange(entity, ((key, value),)))

    assert refused.value.error_code is ErrorCode.invalid_request


@pytest.mark.parametrize(
    ("components", "strict", "found"),
    [
        pytest.param([], False, {"u", "uc", "ud", "c"}, id="everything"),
        pytest.param([("user", EXACT, "a")], False, {"u", "uc", "ud"}, id="a user with whatever"),
        pytest.param([("user", EXACT, "a")], True, {"u"}, id="a user alone"),
        pytest.param([("client-id", DEFAULT, None)], False, {"ud"}, id="the default client"),
        pytest.param(
            [("user", ANY, None), ("client-id", ANY, None)], True, {"uc", "ud"}, id="any pair"
        ),
        pytest.param([("user", EXACT, "nobody")], False, set(), id="nobody"),
    ],
)
def test_a_filter_finds_what_it_names(
    components: list[tuple[str, int, str | None]], strict: bool, found: set[str]
) -> None:
    entities: dict[str, Entity] = {
        "u": (("user", "a"),),
        "uc": (("client-id", "b"), ("user", "a")),
        "ud": (("client-id", None), ("user", "a")),
        "c": (("client-id", "b"),),
    }
    wanted = quota_filter(components, strict=strict)

    assert {name for name, entity in entities.items() if wanted.matches(entity)} == found
