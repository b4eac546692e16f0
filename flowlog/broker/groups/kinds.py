"""What time, and the end of service, do to a group of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now

from .classic import expiry as classic_expiry
from .classic.parking import answer_all_parked
from .consumer import leaving as consumer_leaving
from .consumer import lifecycle as consumer_lifecycle
from .group import GroupKind
from .record_types import GroupsRecord
from .share import leaving as share_leaving
from .share import lifecycle as share_lifecycle


def nothing_to_do(group: Any, *args: Any) -> None:
    """For kinds that keep nothing soft."""


ON_TIME: Final[Mapping[GroupKind, Callable[[Any, Now], Iterable[GroupsRecord]]]] = {
    GroupKind.CLASSIC: classic_expiry.on_time,
    GroupKind.CONSUMER: consumer_leaving.on_time,
    GroupKind.SHARE: share_leaving.on_time,
}
"""What is due at that moment: the records to write, in one decision."""

ON_LOADED: Final[Mapping[GroupKind, Callable[[Any, Now], None]]] = {
    GroupKind.CLASSIC: nothing_to_do,
    GroupKind.CONSUMER: consumer_lifecycle.on_loaded,
    GroupKind.SHARE: share_lifecycle.on_loaded,
}
"""The log has been replayed: sessions and other timers begin."""

ON_UNLOADED: Final[Mapping[GroupKind, Callable[[Any, ErrorCode], None]]] = {
    GroupKind.CLASSIC: answer_all_parked,
    GroupKind.CONSUMER: nothing_to_do,
    GroupKind.SHARE: nothing_to_do,
}
"""The group is served elsewhere: whoever is parked hears that error."""
