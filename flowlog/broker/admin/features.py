"""Raising and lowering the cluster's features: a wish becomes a record or an error. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.controller import Controller
from flowlog.broker.controller.features import FEATURES, METADATA_VERSION, level
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.controller.records import FeatureRecord, MetadataRecord
from flowlog.errors import KafkaError


class UpgradeType(IntEnum):
    """Which way a level may move, numbered as in the protocol."""

    UPGRADE = 1
    SAFE_DOWNGRADE = 2
    UNSAFE_DOWNGRADE = 3


@dataclass(frozen=True, slots=True)
class FeatureUpdate:
    """A level that somebody asks for."""

    name: str
    level: int
    upgrade_type: int


def decide_feature(image: MetadataImage, update: FeatureUpdate) -> list[MetadataRecord]:
    """The records that bring the feature to its new level; none if it is there.

    Raises:
        KafkaError: INVALID_UPDATE_VERSION.
    """
    feature = FEATURES.get(update.name)
    if feature is None:
        raise _refused(update, "this cluster has no such feature")
    if update.upgrade_type not in tuple(UpgradeType):
        raise _refused(update, f"there is no upgrade type {update.upgrade_type}")
    if not feature.min_level <= update.level <= feature.max_level:
        raise _refused(
            update, f"levels {feature.min_level} to {feature.max_level} are supported here"
        )
    if update.name == METADATA_VERSION and update.upgrade_type != UpgradeType.UPGRADE:
        raise _refused(update, "the metadata's version cannot go back")
    now = level(image, update.name)
    if update.level < now and update.upgrade_type == UpgradeType.UPGRADE:
        raise _refused(update, f"it is at level {now}; a downgrade must be asked for as such")
    if update.level > now and update.upgrade_type != UpgradeType.UPGRADE:
        raise _refused(update, f"it is at level {now}; that would be no downgrade")
    return [] if update.level == now else [FeatureRecord(update.name, update.level)]


def _refused(update: FeatureUpdate, reason: str) -> KafkaError:
    return KafkaError(
        ErrorCode.invalid_update_version,
        f"feature {update.name!r} cannot go to level {update.level}: {reason}",
    )


class FeatureAdmin:
    """Changes features through the controller, all of a request or none."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def update(
        self, updates: Sequence[FeatureUpdate], *, validate_only: bool = False
    ) -> None:
        """Make every update; of two for one feature the last counts, as in Kafka.

        Raises:
            KafkaError: as `decide_feature`.
        """

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            last = {update.name: update for update in updates}
            records = [row for update in last.values() for row in decide_feature(image, update)]
            return [] if validate_only else records

        await self._controller.change(decide)
