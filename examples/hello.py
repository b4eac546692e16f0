"""Greets everybody whose name comes in.

flowlog dev examples/hello.py
echo ada | flowlog produce names
flowlog consume greetings --from start
"""

from __future__ import annotations

import flowlog as fl

app = fl.App("hello")
names = app.topic("names", value=str)
greetings = app.topic("greetings", value=str)


@app.stream(names, to=greetings)
def greet(name: str) -> str:
    return f"hello {name}"
