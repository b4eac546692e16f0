"""What clients are told beside an error's code, where the code says it all."""

from __future__ import annotations

from typing import Final

from kio.schema.errors import ErrorCode

_TEXTS: Final = {
    ErrorCode.unknown_topic_or_partition: "This server does not host this topic-partition.",
    ErrorCode.invalid_group_id: "The group id is invalid.",
    ErrorCode.non_empty_group: "The group is not empty.",
}


def message_for(error: ErrorCode) -> str | None:
    """None: there was no error."""
    if error is ErrorCode.none:
        return None
    text: str = _TEXTS.get(error) or error.name.replace("_", " ")
    return text
