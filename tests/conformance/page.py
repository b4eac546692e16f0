"""docs/compatibility.md, made of the registry and of the accepted differences.

python -m tests.conformance.page > docs/compatibility.md
"""

from __future__ import annotations

from typing import Final

from flowlog.broker.handlers.coverage import table, title
from tests.conformance.accepted import ACCEPTED, Accepted

HEAD: Final = """# flowlog beside Apache Kafka

This page is made by `scripts/protocol-table`. Every handler's module says what its versions mean.

## APIs

"""

DIFFERENCES: Final = """
## Differences

`python -m tests.conformance.compare` sends the same requests, right and wrong ones, in every
version that both serve, to flowlog and to an Apache Kafka 4.3, and holds the answers side by side,
field by field. All are equal but for what is listed here. Not looked at: addresses, ids, times and
sizes, which are each broker's own, and the wording of messages.

"""


OTHERS: Final = """
## What answers alike and does less

- Quotas are kept and shown; nobody is slowed down by them yet.
- Subscriptions to clients' metrics are kept and shown; clients are not asked for metrics.
- A broker has one data folder and a cluster one broker: replicas are moved and leaders elected as
  far as that goes.
- Levels of loggers are those of Python's loggers, named by module.
"""


def page() -> str:
    """The page, as Markdown."""
    return HEAD + table() + DIFFERENCES + "".join(_differences()) + OTHERS


def _differences() -> list[str]:
    by_reason: dict[str, list[Accepted]] = {}
    for row in ACCEPTED:
        by_reason.setdefault(row.reason, []).append(row)
    return [
        f"- {', '.join(dict.fromkeys(title(row.api_key) for row in rows))}: {reason}\n"
        for reason, rows in by_reason.items()
    ]


if __name__ == "__main__":
    print(page(), end="")
