"""Counts words.

flowlog dev examples/wordcount.py
echo "to be or not to be" | flowlog produce lines
flowlog state get word-counts be
"""

from __future__ import annotations

from collections.abc import Iterator

import flowlog as fl

app = fl.App("wordcount")
lines = app.topic("lines", value=str)
word_totals = app.topic("word-totals", key=str, value=int)


@app.stream(lines)
def words(line: str) -> Iterator[str]:
    yield from line.lower().split()


word_counts = words.group_by(lambda word: word, name="by-word").count(name="word-counts")
word_counts.to(word_totals)
