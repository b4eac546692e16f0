"""Adapters: one per client library, behind `model.Client`."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # kafka-python reads its schemas with an importlib call that Python 3.11 calls deprecated;
    # our warnings are errors, its are not ours.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    import kafka.admin  # noqa: F401
