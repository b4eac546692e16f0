"""The records of a share group, to and from key and value."""

from __future__ import annotations

from typing import Final

from ..consumer.format import (
    decode_target,
    decode_target_epoch,
    encode_target,
    encode_target_epoch,
)
from ..value_format import Format
from . import format as values
from .record_types import (
    ShareAssignmentRecord,
    ShareEpochRecord,
    ShareMemberRecord,
    ShareTargetEpochRecord,
    ShareTargetRecord,
    StatePartitionsRecord,
)

FORMATS: Final = (
    Format(10, ShareMemberRecord, 2, values.encode_member, values.decode_member),
    Format(11, ShareEpochRecord, 1, values.encode_epoch, values.decode_epoch),
    Format(12, ShareTargetEpochRecord, 1, encode_target_epoch, decode_target_epoch),
    Format(13, ShareTargetRecord, 2, encode_target, decode_target),
    Format(14, ShareAssignmentRecord, 2, values.encode_current, values.decode_current),
    Format(15, StatePartitionsRecord, 1, values.encode_states, values.decode_states),
)
