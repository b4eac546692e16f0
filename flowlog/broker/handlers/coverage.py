"""The table of Kafka's APIs for people: which of them are served, and why the others are not."""

from __future__ import annotations

from typing import Final

from flowlog.broker.wire.versions import api_name, api_numbers, latest_version

from .registry import load_apis

HEADER: Final = """| key | API | versions | newest in Kafka 4.3 |
|---|---|---|---|
"""

_USERS = "no: users and their secrets are not there yet"
_CONTROLLERS = "no: between controllers and brokers; a cluster is one node"
_METRICS = "no: as Kafka without a receiver of clients' metrics"
_STREAMS = "no: groups of Kafka Streams' own protocol"

NOT_SERVED: Final = {
    **dict.fromkeys((17, 36, 38, 39, 40, 41, 51), _USERS),
    **dict.fromkeys((52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 80, 81, 82), _CONTROLLERS),
    **dict.fromkeys((71, 72), _METRICS),
    **dict.fromkeys((88, 89), _STREAMS),
}


def table() -> str:
    """Every API of Kafka 4.3 by its key, as a Markdown table."""
    served = load_apis()
    rows = []
    for key in api_numbers():
        api = served.get(key)
        if api is None:
            versions = NOT_SERVED.get(key, "not yet")
        else:
            versions = f"{api.min_served_version}-{api.max_version}"
            if api.min_served_version != api.min_version:
                versions += f" (advertised from {api.min_version})"
        rows.append(f"| {key} | {title(key)} | {versions} | {latest_version(key)} |\n")
    return HEADER + "".join(rows)


def title(key: int) -> str:
    """An API's name as Kafka writes it."""
    return "".join(word.capitalize() for word in api_name(key).split("_"))
