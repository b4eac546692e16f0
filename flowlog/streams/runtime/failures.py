"""What a task does with a record whose step raised: stop, skip, or the dead-letter topic.

Dead letters carry the source record's key and value, its headers, and the headers of KIP-1034:
`__streams.errors.exception`, `.message`, `.stacktrace`, `.topic`, `.partition`, `.offset`; and
`.step`, which is ours.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any, Final

from flowlog.streams.errors import ProcessingError
from flowlog.streams.on_error import SKIP, Dlq, OnError
from flowlog.streams.topology.marks import HEADER as MARK_HEADER
from flowlog.streams.topology.nodes import Node, SourceNode

from .outputs import Outputs

log: Final = logging.getLogger(__name__)
PREFIX: Final = "__streams.errors."


class Failures:
    """Decides per step, and counts."""

    def __init__(self, app: str, default: OnError, outputs: Outputs) -> None:
        self.skipped_count = 0
        self.dead_letter_count = 0
        self._app = app
        self.default = default
        self._outputs = outputs

    def handle(self, error: Exception, step: Node | None, message: Any) -> None:
        """Skip or put aside the record.

        Raises:
            ProcessingError: the step's policy is to stop.
        """
        if isinstance(error, ProcessingError):
            raise error
        policy = self._policy(step)
        text = self._describe(error, step, message)
        log.debug("%s", text, exc_info=error)
        if policy == SKIP or (message is None and isinstance(policy, Dlq)):
            self.skipped_count += 1
            log.warning("skipped: %s", text)
        elif isinstance(policy, Dlq):
            self.dead_letter_count += 1
            log.warning("dead letter: %s", text)
            self._put_aside(policy.topic or dlq_topic(self._app), error, step, message)
        else:
            raise ProcessingError(text) from error

    def _policy(self, step: Node | None) -> OnError:
        if step is None:
            return self.default
        if step.on_error is not None:
            return step.on_error
        if isinstance(step, SourceNode):  # decoding is part of the steps that read
            chosen = [child.on_error for child in step.children if child.on_error is not None]
            return chosen[0] if chosen else self.default
        return self.default

    def _describe(self, error: Exception, step: Node | None, message: Any) -> str:
        place = "?" if step is None else step.name
        where = "" if message is None else f" at {_place_of(message)}"
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return f"{self._app}/{place}{where}: {reason}"

    def _put_aside(self, topic: str, error: Exception, step: Node | None, message: Any) -> None:
        stack = "".join(traceback.format_exception(error))
        fields = {
            "exception": type(error).__qualname__,
            "message": str(error),
            "stacktrace": stack,
            "topic": message.topic(),
            "partition": str(message.partition()),
            "offset": str(message.offset()),
            "step": "" if step is None else step.name,
        }
        headers = [header for header in message.headers() or [] if header[0] != MARK_HEADER]
        headers += [(PREFIX + name, value.encode()) for name, value in fields.items()]
        row = (message.key(), message.value(), message.timestamp()[1], headers)
        self._outputs.append_to(topic)(row)


def dlq_topic(app: str) -> str:
    """The dead-letter topic of an app."""
    return f"{app}-dlq"


def _place_of(message: Any) -> str:
    return f"{message.topic()}-{message.partition()}@{message.offset()}"
