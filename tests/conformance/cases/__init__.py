"""The cases; importing this package collects them all."""

from __future__ import annotations

from tests.conformance.cases import (  # noqa: F401
    configs,
    features,
    fencing,
    frames,
    groups,
    new_groups,
    placement,
    quotas,
    records,
    share_groups,
    share_states,
    sharing,
    topics,
    transactions,
)
