"""Two brokers' transcripts, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.conformance.accepted import ACCEPTED, Accepted
from tests.conformance.answers import IS_THERE, Answer
from tests.conformance.running import Transcripts

ABSENT: Final = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one answer that is not the same."""

    title: str
    number: int
    field: str
    kafka: Any
    flowlog: Any
    accepted: Accepted | None

    def __str__(self) -> str:
        place = f"{self.title} #{self.number} {self.field}"
        return f"{place}\n    kafka   {self.kafka}\n    flowlog {self.flowlog}"


def differences(kafka: Transcripts, flowlog: Transcripts) -> Iterator[Difference]:
    """Every field that differs in what both were asked."""
    for title, ours in flowlog.items():
        theirs = kafka.get(title)
        if theirs is None:
            continue
        for number in range(max(len(ours), len(theirs))):
            yield from _of_answer(title, number, _at(theirs, number), _at(ours, number))


def _at(answers: Sequence[Answer], number: int) -> Answer:
    return answers[number] if number < len(answers) else {"answer": ABSENT}


def _of_answer(title: str, number: int, kafka: Answer, flowlog: Answer) -> Iterator[Difference]:
    one_sided: tuple[str, ...] = ()
    for field in sorted(kafka.keys() | flowlog.keys()):
        theirs, ours = kafka.get(field, ABSENT), flowlog.get(field, ABSENT)
        if theirs == ours or field.startswith(one_sided) or _is_text(field, kafka, flowlog):
            continue
        if IS_THERE in (theirs, ours):
            one_sided += (f"{field}.",)  # the row's own fields say no more
        accepted = _accepted(title, f"#{number} {field}")
        yield Difference(title, number, field, theirs, ours, accepted)


def _is_text(field: str, kafka: Answer, flowlog: Answer) -> bool:
    """A message for people that says more than Kafka's, or that comes without an error."""
    row, dot, name = field.rpartition(".")
    if not name.endswith("error_message"):
        return False
    code = f"{row}{dot}{name.replace('message', 'code')}"
    return kafka.get(field) is None or (code not in kafka and code not in flowlog)


def _accepted(title: str, field: str) -> Accepted | None:
    key, _, case = title.split(" ", 2)
    return next((row for row in ACCEPTED if row.covers(int(key), case, field)), None)
