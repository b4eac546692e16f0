"""The table of served APIs for people: `python -m flowlog.broker.handlers.coverage`."""

from __future__ import annotations

from flowlog.broker.wire.versions import latest_version

from .registry import load_apis

HEADER = """# The Kafka protocol, as far as it is served

Made from the registry of handlers by `scripts/protocol-table`. Each handler's module says what its
versions mean and what is left out.

| key | API | versions | newest in Kafka 4.3 |
|---|---|---|---|
"""


def table() -> str:
    """The page, as Markdown."""
    rows = []
    for api in load_apis().values():
        versions = f"{api.min_served_version}-{api.max_version}"
        if api.min_served_version != api.min_version:
            versions += f" (advertised from {api.min_version})"
        rows.append(f"| {api.key} | {api.name} | {versions} | {latest_version(api.key)} |\n")
    return HEADER + "".join(rows)


if __name__ == "__main__":
    print(table(), end="")
