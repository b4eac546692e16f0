"""A broker is killed under load again and again; nothing it acknowledged may be missing.

`python -m tests.e2e.kill --rounds 50` is the long run; `tests/e2e/test_kill.py` a short one.
`history` is what the clients were told, `outcome` what is there in the end, `checker` compares
the two and does no I/O; `load` makes the history, `rounds` kills, `brokers` is what is killed.
"""
