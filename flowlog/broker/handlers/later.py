"""Answers that may come later: rendered now, or when they are there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

R = TypeVar("R")


def then(answer: R | Awaitable[R], render: Callable[[R], Any]) -> Any | Awaitable[Any]:
    """The response for an answer; an awaitable of it if the answer has to be waited for."""
    if isinstance(answer, Awaitable):
        return _render_later(answer, render)
    return render(answer)


async def _render_later(answer: Awaitable[R], render: Callable[[R], Any]) -> Any:
    return render(await answer)
