"""One program a framework; each runs in its own environment and imports nothing from here.

Arguments: JOB BOOTSTRAP INPUT OUTPUT NAME FOLDER. A program prints `first SECONDS` (since 1970)
when the first event reaches the user's function, and runs until SIGTERM. `restore` is `count`, and
prints `restored SECONDS` when the stores are there.
"""
