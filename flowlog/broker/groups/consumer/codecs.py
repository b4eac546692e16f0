"""The records of a KIP-848 group, to and from key and value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from flowlog.broker.coordinator.commit_log import CoordinatorRecord

from ..record_fields import FieldReader, string
from . import format as values
from .record_types import (
    ConsumerRecord,
    CurrentRecord,
    GroupEpochRecord,
    MemberRecord,
    RegexRecord,
    TargetEpochRecord,
    TargetRecord,
)


class Format(NamedTuple):
    """A record is a tuple: one or two names, which make its key, and what its value holds."""

    kind: int
    record_type: type[Any]
    name_count: int
    encode_value: Callable[[Any], bytes]
    decode_value: Callable[[bytes], Any]

    def encode(self, record: ConsumerRecord) -> CoordinatorRecord:
        *names, value = record
        key = self.kind.to_bytes(2, "big") + b"".join(map(string, names))
        return CoordinatorRecord(key, None if value is None else self.encode_value(value))

    def decode(self, key: FieldReader, value: bytes | None) -> ConsumerRecord:
        names = [key.string() for _ in range(self.name_count)]
        record: ConsumerRecord = self.record_type(
            *names, None if value is None else self.decode_value(value)
        )
        return record


FORMATS: Final = (
    Format(3, GroupEpochRecord, 1, values.encode_epoch, values.decode_epoch),
    Format(5, MemberRecord, 2, values.encode_metadata, values.decode_metadata),
    Format(6, TargetEpochRecord, 1, values.encode_target_epoch, values.decode_target_epoch),
    Format(7, TargetRecord, 2, values.encode_target, values.decode_target),
    Format(8, CurrentRecord, 2, values.encode_current, values.decode_current),
    Format(16, RegexRecord, 2, values.encode_regex, values.decode_regex),
)
