"""Limits of users, clients and addresses: kept in the metadata, found by filters. Pure but for
`QuotaAdmin`. They are stored and shown; nothing is slowed down by them yet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.controller import Controller
from flowlog.broker.controller.image import Entity, MetadataImage
from flowlog.broker.controller.records import MetadataRecord, QuotaRecord
from flowlog.errors import KafkaError

USER: Final = "user"
CLIENT: Final = "client-id"
IP: Final = "ip"

_USER_KEYS: Final[Mapping[str, type]] = {
    "producer_byte_rate": int,
    "consumer_byte_rate": int,
    "request_percentage": float,
    "controller_mutation_rate": float,
}
_IP_KEYS: Final[Mapping[str, type]] = {"connection_creation_rate": int}
_FRACTION: Final = 1e-6


class MatchType(IntEnum):
    """How a filter looks at one kind of name, numbered as in the protocol."""

    EXACT = 0
    DEFAULT = 1
    ANY = 2


@dataclass(frozen=True, slots=True)
class QuotaFilter:
    """What a describe asks for: `exact` names by kind, and kinds that must be there at all."""

    exact: Mapping[str, str | None]
    present: frozenset[str]
    strict: bool

    def matches(self, entity: Entity) -> bool:
        names = dict(entity)
        if self.strict and len(names) != len(self.exact) + len(self.present):
            return False
        if not self.present <= names.keys():
            return False
        return all(kind in names and names[kind] == name for kind, name in self.exact.items())


def quota_filter(components: Sequence[tuple[str, int, str | None]], *, strict: bool) -> QuotaFilter:
    """The filter out of (kind, match type, name) rows.

    Raises:
        KafkaError: INVALID_REQUEST, or UNSUPPORTED_VERSION for an unknown kind.
    """
    exact: dict[str, str | None] = {}
    present: set[str] = set()
    for kind, how, name in components:
        if not kind or kind in exact or kind in present:
            raise _invalid(f"kind {kind!r} is empty or stands twice in the filter")
        if kind not in (USER, CLIENT, IP):
            raise KafkaError(ErrorCode.unsupported_version, f"there are no quotas by {kind!r}")
        if (name is not None) != (how == MatchType.EXACT) or how not in tuple(MatchType):
            raise _invalid(f"match type {how} of {kind!r} does not go with the name {name!r}")
        if how == MatchType.ANY:
            present.add(kind)
        else:
            exact[kind] = name
    _check_kinds([*exact, *present])
    return QuotaFilter(exact, frozenset(present), strict)


@dataclass(frozen=True, slots=True)
class QuotaChange:
    """New limits of one entity; None takes a limit away. `limits` may name a key twice."""

    entity: Entity
    limits: tuple[tuple[str, float | None], ...]


def decide_quotas(image: MetadataImage, change: QuotaChange) -> list[MetadataRecord]:
    """The records of what really changes.

    Raises:
        KafkaError: INVALID_REQUEST.
    """
    allowed = _allowed_keys(change.entity)
    now = image.quotas.get(change.entity, {})
    records: list[MetadataRecord] = []
    seen: set[str] = set()
    for key, value in change.limits:
        if key in seen:
            raise _invalid(f"quota {key!r} stands twice")
        seen.add(key)
        if value is not None:
            _check_value(allowed, key, value)
        if now.get(key) != value:
            records.append(QuotaRecord(change.entity, key, value))
    return records


def _allowed_keys(entity: Entity) -> Mapping[str, type]:
    kinds = [kind for kind, _ in entity]
    if not kinds or len(set(kinds)) != len(kinds):
        raise _invalid("an entity needs kinds, each once")
    unknown = [kind for kind in kinds if kind not in (USER, CLIENT, IP)]
    if unknown:
        raise _invalid(f"there are no quotas by {unknown[0]!r}")
    if any(name == "" for _, name in entity):
        raise _invalid("an entity's name is empty; null names the default")
    _check_kinds(kinds)
    if IP not in kinds:
        return _USER_KEYS
    _check_address(dict(entity)[IP])
    return _IP_KEYS


def _check_kinds(kinds: Sequence[str]) -> None:
    if IP in kinds and len(kinds) > 1:
        raise _invalid("an address goes with neither a user nor a client id")


def _check_address(text: str | None) -> None:
    """An IP address; unlike Kafka, no name is looked up, since that would hold up the broker."""
    try:
        ipaddress.ip_address(text or "127.0.0.1")
    except ValueError:
        raise _invalid(f"{text!r} is not an IP address") from None


def _check_value(allowed: Mapping[str, type], key: str, value: float) -> None:
    if key not in allowed:
        raise _invalid(f"quota {key!r} is none of {', '.join(allowed)}")
    if not value > 0:
        raise _invalid(f"quota {key} must be above 0, not {value:g}")
    if allowed[key] is int and abs(value % 1.0) > _FRACTION:
        raise _invalid(f"quota {key} must be a whole number, not {value:g}")


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.invalid_request, message)


class QuotaAdmin:
    """Reads and changes quotas."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def find(self, wanted: QuotaFilter) -> Iterator[tuple[Entity, Mapping[str, float]]]:
        """The entities that the filter matches, with their limits."""
        for entity, limits in self._controller.image.quotas.items():
            if wanted.matches(entity):
                yield entity, limits

    async def change(
        self, changes: Sequence[QuotaChange], *, validate_only: bool = False
    ) -> list[KafkaError | None]:
        """One outcome for each change, in their order; a change that fails fails alone."""
        outcomes: list[KafkaError | None] = []

        def decide(image: MetadataImage) -> list[MetadataRecord]:
            records: list[MetadataRecord] = []
            entities = [change.entity for change in changes]
            for change in changes:
                try:
                    if entities.count(change.entity) > 1:
                        raise _invalid("the entity stands twice in the request")
                    records += decide_quotas(image, change)
                except KafkaError as error:
                    outcomes.append(error)
                else:
                    outcomes.append(None)
            return [] if validate_only else records

        await self._controller.change(decide)
        return outcomes
