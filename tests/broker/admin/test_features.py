"""Features go only where they can, and only when asked for in the right way."""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.admin.features import FeatureUpdate, UpgradeType, decide_feature
from flowlog.broker.controller.features import FEATURES, level
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.controller.records import FeatureRecord, decode_record, encode_record
from flowlog.errors import KafkaError

UP, DOWN, UNSAFE = UpgradeType.UPGRADE, UpgradeType.SAFE_DOWNGRADE, UpgradeType.UNSAFE_DOWNGRADE


@pytest.fixture
def image() -> MetadataImage:
    return MetadataImage()


def test_every_feature_is_at_its_newest_level_until_somebody_changes_it(
    image: MetadataImage,
) -> None:
    assert {name: level(image, name) for name in FEATURES} == {
        name: feature.max_level for name, feature in FEATURES.items()
    }


def test_a_downgrade_counts_and_survives_its_record(image: MetadataImage) -> None:
    [record] = decide_feature(image, FeatureUpdate("group.version", 0, DOWN))
    image.apply(decode_record(encode_record(record)))

    assert record == FeatureRecord("group.version", 0)
    assert level(image, "group.version") == 0
    assert decide_feature(image, FeatureUpdate("group.version", 1, UP)) == [
        FeatureRecord("group.version", 1)
    ]


def test_the_present_level_needs_no_record(image: MetadataImage) -> None:
    assert decide_feature(image, FeatureUpdate("group.version", 1, UP)) == []


@pytest.mark.parametrize(
    "update",
    [
        pytest.param(FeatureUpdate("no.such.feature", 1, UP), id="unknown"),
        pytest.param(FeatureUpdate("group.version", 9, UP), id="above what is supported"),
        pytest.param(FeatureUpdate("group.version", -1, DOWN), id="negative"),
        pytest.param(FeatureUpdate("group.version", 0, UP), id="a downgrade as an upgrade"),
        pytest.param(FeatureUpdate("group.version", 1, 9), id="no such way"),
        pytest.param(FeatureUpdate("metadata.version", 30, UNSAFE), id="metadata downgrade"),
    ],
)
def test_a_wish_that_cannot_be_had_is_refused(image: MetadataImage, update: FeatureUpdate) -> None:
    with pytest.raises(KafkaError) as refused:
        decide_feature(image, update)

    assert refused.value.error_code is ErrorCode.invalid_update_version
