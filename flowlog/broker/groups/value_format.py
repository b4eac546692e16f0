"""Records whose key is a kind and one or two names: how those of the newer kinds of groups look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flowlog.broker.coordinator.commit_log import CoordinatorRecord

from .record_fields import FieldReader, string


class Format(NamedTuple):
    """A record is a tuple: one or two names, which make its key, and what its value holds."""

    kind: int
    record_type: type[Any]
    name_count: int
    encode_value: Callable[[Any], bytes]
    decode_value: Callable[[bytes], Any]

    def encode(self, record: Any) -> CoordinatorRecord:
        *names, value = record
        key = self.kind.to_bytes(2, "big") + b"".join(map(string, names))
        return CoordinatorRecord(key, None if value is None else self.encode_value(value))

    def decode(self, key: FieldReader, value: bytes | None) -> Any:
        names = [key.string() for _ in range(self.name_count)]
        return self.record_type(*names, None if value is None else self.decode_value(value))
