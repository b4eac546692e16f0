"""Producers that were replaced and do not know it, round after round: nothing of them is seen.

`python -m tests.e2e.zombies --rounds 100` is the long run; `tests/e2e/test_zombies.py` a short one.
"""
