"""The fetch sessions of one broker: opened, found again by id and epoch, and given up when unused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire.fetch import FetchRequest
from flowlog.clock import Clock
from flowlog.errors import KafkaError

from .fetch_session import FINAL_EPOCH, INITIAL_EPOCH, FetchSession, uses_topic_ids

NO_SESSION: Final = 0
UNUSED_MS: Final = 120_000
"""So long a session must have been unused before another client may have its place."""


class FetchSessions:
    """At most `slots_max` sessions. A client that gets none goes on with full fetches."""

    def __init__(self, *, slots_max: int, clock: Clock, draw_id: Callable[[], int]) -> None:
        """`draw_id` gives a random number from 1 to 2^31 - 1."""
        self._slots_max = slots_max
        self._clock = clock
        self._draw_id = draw_id
        self._sessions: OrderedDict[int, FetchSession] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        return len(self._sessions)

    def session_of(self, request: FetchRequest) -> FetchSession | None:
        """The session that the request opens or goes on with; None for a fetch without one.

        Raises:
            KafkaError: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or
                FETCH_SESSION_TOPIC_ID_ERROR; the client then begins anew with a full fetch.
        """
        if request.session_epoch in (FINAL_EPOCH, INITIAL_EPOCH):
            self._sessions.pop(request.session_id, None)
            return self._open(request) if request.session_epoch == INITIAL_EPOCH else None
        return self._go_on(request)

    def _open(self, request: FetchRequest) -> FetchSession | None:
        now_ms = self._clock.monotonic_ms()
        if not request.topics or not self._has_room(now_ms):
            return None
        session_id = self._draw_id()
        while session_id in self._sessions:
            session_id = self._draw_id()
        session = self._sessions[session_id] = FetchSession(session_id, request, now_ms)
        return session

    def _has_room(self, now_ms: int) -> bool:
        if len(self._sessions) < self._slots_max:
            return True
        oldest = next(iter(self._sessions.values()), None)
        if oldest is None or now_ms - oldest.last_used_ms < UNUSED_MS:
            return False
        del self._sessions[oldest.session_id]
        return True

    def _go_on(self, request: FetchRequest) -> FetchSession | None:
        session = self._sessions.get(request.session_id)
        if session is None:
            raise KafkaError(ErrorCode.fetch_session_id_not_found)
        if request.session_epoch != session.epoch:
            raise KafkaError(ErrorCode.invalid_fetch_session_epoch)
        names_topics = bool(request.topics or request.forgotten_topics)
        if names_topics and uses_topic_ids(request) != session.uses_topic_ids:
            raise KafkaError(ErrorCode.fetch_session_topic_id_error)
        session.update(request)
        if not len(session):
            del self._sessions[session.session_id]
            return None
        session.advance()
        session.last_used_ms = self._clock.monotonic_ms()
        self._sessions.move_to_end(session.session_id)
        return session
