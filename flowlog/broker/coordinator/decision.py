"""What a pure machine hands to its runtime: a response, records to write, and answers to come.

A machine reads no clock, so a decision is made at a `Now`. It does not wait, so a request that has
to be parked (a member waiting for the others to join) gets a `Reply`, which the machine fills in
when a later event decides it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

from kio.schema.errors import ErrorCode

R = TypeVar("R")
Rec = TypeVar("Rec")

UNANSWERED: Final = object()


class Now(NamedTuple):
    """One moment on two clocks."""

    monotonic_ms: int  # for deadlines: never goes back
    wall_ms: int  # for what is stored: milliseconds since 1970, UTC


class Reply(Generic[R]):
    """An answer that comes once, now or later. The machine gives it, the runtime waits for it."""

    __slots__ = ("_listener", "_value")

    def __init__(self) -> None:
        self._value: Any = UNANSWERED
        self._listener: Callable[[], None] | None = None

    @property
    def is_answered(self) -> bool:
        return self._value is not UNANSWERED

    @property
    def value(self) -> R:
        assert self.is_answered, "asked for an answer before there was one"
        return cast(R, self._value)

    def answer(self, value: R) -> None:
        """Give the answer; a second one is a bug of the machine."""
        assert not self.is_answered, f"answered twice: {self._value!r}, then {value!r}"
        self._value = value
        if self._listener is not None:
            self._listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the answer comes; at most one may listen, before the answer."""
        assert self._listener is None, "a reply has one listener"
        assert not self.is_answered, "there is nothing to listen for any more"
        self._listener = listener


class Decision(NamedTuple, Generic[R, Rec]):
    """One decision of a machine.

    `response` leaves once `records` are committed; a `Reply` leaves when it is answered, so a
    machine whose reply depends on the records answers it in `on_written`, which is called once:
    with `none` when the records are committed, else with the error that the client should hear.
    """

    response: R | Reply[R]
    records: tuple[Rec, ...] = ()
    on_written: Callable[[ErrorCode, Now], None] | None = None
