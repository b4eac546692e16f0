"""The records of a KIP-848 group, to and from key and value."""

from __future__ import annotations

from typing import Final

from ..value_format import Format
from . import format as values
from .record_types import (
    CurrentRecord,
    GroupEpochRecord,
    MemberRecord,
    RegexRecord,
    TargetEpochRecord,
    TargetRecord,
)

FORMATS: Final = (
    Format(3, GroupEpochRecord, 1, values.encode_epoch, values.decode_epoch),
    Format(5, MemberRecord, 2, values.encode_metadata, values.decode_metadata),
    Format(6, TargetEpochRecord, 1, values.encode_target_epoch, values.decode_target_epoch),
    Format(7, TargetRecord, 2, values.encode_target, values.decode_target),
    Format(8, CurrentRecord, 2, values.encode_current, values.decode_current),
    Format(16, RegexRecord, 2, values.encode_regex, values.decode_regex),
)
