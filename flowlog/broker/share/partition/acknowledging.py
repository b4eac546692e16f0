"""What members say of records that they hold: checked as a whole before anything changes.

Source: `acknowledge`, `fetchSubMapForAcknowledgementBatch`, `SharePartition` in apache/kafka, core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

from ..persister import ACKNOWLEDGED, ARCHIVED, AVAILABLE
from .requests import Acknowledgement, AcknowledgeType, Limits
from .run import ACQUIRED, NO_CHANGE, Run
from .window import Window

OUTCOMES: Final = {
    AcknowledgeType.GAP: ARCHIVED,
    AcknowledgeType.ACCEPT: ACKNOWLEDGED,
    AcknowledgeType.RELEASE: AVAILABLE,
    AcknowledgeType.REJECT: ARCHIVED,
}


class Part(NamedTuple):
    """A stretch of records of which one thing was said. Offsets inclusive."""

    first: int
    last: int
    type: AcknowledgeType


def checked(
    window: Window,
    member_id: str,
    acknowledgements: Sequence[Acknowledgement],
    limits: Limits,
) -> list[Part]:
    """The parts that are to be carried out; nothing is left of what the window is past.

    Raises:
        KafkaError: INVALID_RECORD_STATE: the member does not hold one of them, or has spoken of it
            before; INVALID_REQUEST: records that were never delivered. All of it is refused.
    """
    parts: list[Part] = []
    for acknowledgement in acknowledgements:
        if acknowledgement.last_offset < window.start_offset:
            continue
        _check_known(window, acknowledgement)
        for part in _parts(acknowledgement, window.start_offset):
            if parts and part.first <= parts[-1].last:
                raise _invalid_state("a record is acknowledged twice")
            if part.type is AcknowledgeType.RENEW and not limits.may_renew:
                raise _invalid_state("Renewing acquisition locks is not enabled for the group.")
            _check_held(window, member_id, part)
            parts.append(part)
    return parts


def held(window: Window, part: Part) -> Iterator[Run]:
    """The records of a part that was checked, without what is no record."""
    return (run for run in window.cut(part.first, part.last) if run.state == ACQUIRED)


def outcome_of(run: Run, type_: AcknowledgeType, limits: Limits) -> int:
    """The state that the acknowledgement makes of the run."""
    outcome = OUTCOMES[type_]
    return released(run, limits) if outcome == AVAILABLE else outcome


def released(run: Run, limits: Limits) -> int:
    """The state of a record whose holder gives it back: it may have been its last chance."""
    return ARCHIVED if run.delivery_count >= limits.delivery_count else AVAILABLE


def _check_known(window: Window, acknowledgement: Acknowledgement) -> None:
    if not window.runs:
        raise _invalid_state("The records are not known to be delivered.")
    if acknowledgement.last_offset >= window.end_offset:
        raise KafkaError(ErrorCode.invalid_request, "The records are past those delivered.")


def _check_held(window: Window, member_id: str, part: Part) -> None:
    for run in window.overlapping(part.first, part.last):
        if run.state == ARCHIVED and not run.was_delivered:
            continue  # no record: whatever is said of it, there is nothing to do
        if run.state != ACQUIRED:
            raise _invalid_state("The record is not acquired.")
        if run.member_id != member_id:
            raise _invalid_state("The member is not the owner of the record.")
        if run.change != NO_CHANGE:
            raise _invalid_state("An acknowledgement of the record is under way.")


def _parts(acknowledgement: Acknowledgement, start_offset: int) -> Iterator[Part]:
    """Its stretches of one type, from the start offset on."""
    first, last, types = acknowledgement
    if len(types) == 1:
        yield Part(max(first, start_offset), last, types[0])
        return
    assert len(types) == last - first + 1, "one type for each record"
    begin = max(first, start_offset)
    for offset in range(begin, last + 1):
        if offset == last or types[offset + 1 - first] is not types[offset - first]:
            yield Part(begin, offset, types[offset - first])
            begin = offset + 1


def _invalid_state(message: str) -> KafkaError:
    return KafkaError(ErrorCode.invalid_record_state, message)
