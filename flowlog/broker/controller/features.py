"""The features of a cluster: which levels this flowlog knows, and which one is in force.

A level that nobody changed is the newest. Clients read `transaction.version` and the tools read
all of them from ApiVersions; the broker's parts ask `level`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .image import MetadataImage

METADATA_VERSION: Final = "metadata.version"
GROUP_VERSION: Final = "group.version"
SHARE_VERSION: Final = "share.version"
TRANSACTION_VERSION: Final = "transaction.version"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's levels, both inclusive; level 0 is off."""

    name: str
    min_level: int
    max_level: int


FEATURES: Final[Mapping[str, Feature]] = {
    feature.name: feature
    for feature in (
        Feature(GROUP_VERSION, 0, 1),
        # Kafka 4.3's. flowlog's metadata has one format of its own, so there is nothing below.
        Feature(METADATA_VERSION, 30, 30),
        Feature(SHARE_VERSION, 0, 1),
        Feature(TRANSACTION_VERSION, 0, 2),
    )
}


def level(image: MetadataImage, name: str) -> int:
    """The level in force."""
    return image.features.get(name, FEATURES[name].max_level)
