"""Programs that measure flowlog beside its peers, in one run on one machine.

They are no tests: nothing fails on a time. `python -m benchmarks.broker`, `.group_commit`, `.scale`
and `.streams` print Markdown tables; `docs/benchmarks.md` keeps the newest.
"""
