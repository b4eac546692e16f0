"""What all tests share: how long hypothesis looks, and that a slow machine fails none of them.

`--hypothesis-profile long` looks twenty times as far; `quick` is for a first look. `fixed` looks at
the same examples each time, so that a commit that was green stays green: `scripts/test` uses it,
and plain `pytest` looks at new ones.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# A time limit on an example would make every test a timed one.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("default", **UNTIMED)
settings.register_profile("fixed", derandomize=True, **UNTIMED)
settings.register_profile("quick", max_examples=20, **UNTIMED)
settings.register_profile("long", max_examples=2_000, **UNTIMED)
settings.load_profile("default")


def pytest_configure() -> None:
    # A shell that starts the suite in its background leaves it deaf to Ctrl-C, and what it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
