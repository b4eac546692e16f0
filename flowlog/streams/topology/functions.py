"""What a user's function is, read once from its form and its annotations."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from flowlog.errors import ConfigError
from flowlog.streams.context import Ctx
from flowlog.streams.records import UNSET, Rec, Tombstone
from flowlog.streams.serdes.resolve import without_none

_ITERABLES: Final = (Iterator, Iterable, Generator)


class Form(Enum):
    """How a function gives its results."""

    PLAIN = "plain"
    GENERATOR = "generator"
    COROUTINE = "async"


@dataclass(frozen=True, slots=True)
class Function:
    """A function and what its signature says.

    result_type: of one value, without None and Tombstone; UNSET without an annotation.
    key_type: of the keys it sets by `fl.Rec[K, V]`; UNSET if it sets none.
    may_give_rec: whether results have to be looked at for `fl.rec`.
    """

    call: Callable[..., Any]
    form: Form
    parameter_types: tuple[Any, ...]
    takes_context: bool
    result_type: Any
    key_type: Any
    may_give_rec: bool


def read_function(
    function: Callable[..., Any], locals_: Mapping[str, Any] | None = None
) -> Function:
    """Read a function's signature.

    Args:
        locals_: names of the place where it is defined, for annotations that need them.

    Raises:
        ConfigError: a form that steps do not have.
    """
    hints = annotations_of(function, locals_)
    result = hints.get("return", UNSET)
    form = _form_of(function, result)
    if form is not Form.PLAIN and result is not UNSET:
        result = _item_type(result)
    names = list(inspect.signature(function).parameters)
    parameters = tuple(hints.get(name, UNSET) for name in names)
    may_give_rec = result is UNSET
    key_type: Any = UNSET
    if result is not UNSET:
        result = _without_markers(result)
        if _is_rec(result):
            may_give_rec = True
            key_type, result = _rec_types(result)
    return Function(function, form, parameters, Ctx in parameters, result, key_type, may_give_rec)


def annotations_of(
    function: Callable[..., Any], locals_: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The annotations as types; none where a name in them cannot be found."""
    try:
        return typing.get_type_hints(function, localns=dict(locals_ or {}))
    except (NameError, TypeError, AttributeError):
        return {}


def caller_locals(depth: int) -> Mapping[str, Any]:
    """The local names `depth` calls above the caller of this."""
    return sys._getframe(depth + 1).f_locals


def _form_of(function: Callable[..., Any], result: Any) -> Form:
    if inspect.isasyncgenfunction(function) or typing.get_origin(result) is AsyncIterator:
        raise ConfigError("an async generator is not a step", hint="use async def with return")
    if inspect.iscoroutinefunction(function):
        return Form.COROUTINE
    if inspect.isgeneratorfunction(function) or typing.get_origin(result) in _ITERABLES:
        return Form.GENERATOR
    return Form.PLAIN


def _item_type(result: Any) -> Any:
    """`Iterator[T]` and `Awaitable[T]` as T; anything else is what a coroutine returns."""
    if typing.get_origin(result) in (*_ITERABLES, Awaitable):
        return typing.get_args(result)[0]
    return result


def _without_markers(result: Any) -> Any:
    """Without `None` and `type[fl.Tombstone]` in a union."""
    if typing.get_origin(result) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(result) if part != type[Tombstone]]
        result = rest[0]
        for part in rest[1:]:
            result = result | part
    return without_none(result)


def _is_rec(result: Any) -> bool:
    return result is Rec or typing.get_origin(result) is Rec


def _rec_types(result: Any) -> tuple[Any, Any]:
    arguments = typing.get_args(result)
    return (arguments[0], without_none(arguments[1])) if arguments else (UNSET, UNSET)
