"""What kio knows of APIs and their versions; what flowlog serves of them is the handlers' table."""

from __future__ import annotations

from functools import cache, lru_cache

from kio.schema.index import api_key_map

from flowlog.broker.wire.schema import message_schema, versions


def api_numbers() -> tuple[int, ...]:
    """The numbers of all of Kafka's APIs, ascending."""
    return tuple(sorted(api_key_map))


def known(api_key: int) -> bool:
    """Whether Kafka has an API of this number."""
    return api_key in api_key_map


def api_name(api_key: int) -> str:
    """kio's name of an API ("list_offsets"), for logs too: an unknown one is "api-99"."""
    name: str = api_key_map.get(api_key, f"api-{api_key}")
    return name


@cache
def api_versions(api_key: int) -> tuple[int, ...]:
    """The versions there are messages for, ascending; raises `KeyError` for an unknown API."""
    return versions(api_key_map[api_key], "request")


def has_version(api_key: int, version: int) -> bool:
    """Whether there are messages for this API and version."""
    return known(api_key) and version in api_versions(api_key)


def latest_version(api_key: int) -> int:
    """The newest version there are messages for; raises `KeyError` for an unknown API."""
    return api_versions(api_key)[-1]


@cache
def is_flexible(api_key: int, version: int) -> bool:
    """Whether the version has compact lengths and tagged fields (KIP-482).

    Raises `KeyError` for a version there is no message for.
    """
    return message_schema(api_key_map[api_key], version, "request").is_flexible


@lru_cache(maxsize=1024)
def has_flexible_header(api_key: int, version: int) -> bool:
    """Whether a request's header ends in tags; False where that cannot be known.

    Bounded, since strangers choose the numbers; exact for all that Kafka has.
    """
    return has_version(api_key, version) and is_flexible(api_key, version)
