"""Running a regular expression: a lazily built automaton that reads each character once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from .nodes import WORD, Chars, Choice, Condition, Node, Repeat, Sequence
from .syntax import parse

STEPS_MAX: Final = 2_000  # of a compiled expression: nested counted repeats multiply
REMEMBERED_MAX: Final = 100_000  # places in remembered states: some megabytes


class Read(NamedTuple):
    """Go on at `then` after one of these characters."""

    mask: int
    then: int


class Split(NamedTuple):
    """Go on at all of these."""

    then: tuple[int, ...]


class Check(NamedTuple):
    """Go on if it is so here."""

    condition: Condition
    then: int


Step: TypeAlias = Read | Split | Check
State: TypeAlias = tuple[frozenset[int], bool, bool]
"""Where it stands before the next character; whether at the start, and behind a word character."""

MATCHED: Final = 0


class Pattern:
    """One expression, for whole names."""

    def __init__(self, pattern: str) -> None:
        """Raises `ValueError` for what is no expression, or too large a one."""
        self._steps: list[Step] = [Split(())]
        start = self._compile(parse(pattern), MATCHED)
        self._start: State = (frozenset((start,)), True, False)
        self._transitions: dict[tuple[State, str], State] = {}
        self._remembered = 0

    def matches(self, name: str) -> bool:
        """Whether the expression stands for the whole name."""
        if not name.isascii():
            return False
        state = self._start
        for character in name:
            key = (state, character)
            following = self._transitions.get(key)
            if following is None:
                following = self._remember(key)
            state = following
            if not state[0]:
                return False
        return MATCHED in self._closure(state, at_end=True, before_word=False)

    def _remember(self, key: tuple[State, str]) -> State:
        if self._remembered >= REMEMBERED_MAX:
            self._transitions.clear()
            self._remembered = 0
        state, character = key
        bit = 1 << ord(character)
        is_word = bool(WORD & bit)
        here = self._closure(state, at_end=False, before_word=is_word)
        steps = (self._steps[i] for i in here)
        there = frozenset(s.then for s in steps if isinstance(s, Read) and s.mask & bit)
        following = self._transitions[key] = (there, False, is_word)
        self._remembered += 1 + len(there)
        return following

    def _closure(self, state: State, *, at_end: bool, before_word: bool) -> set[int]:
        """Every step that is reached without reading on."""
        positions, at_start, behind_word = state
        truth = {
            Condition.START: at_start,
            Condition.END: at_end,
            Condition.BOUNDARY: behind_word != before_word,
            Condition.NO_BOUNDARY: behind_word == before_word,
        }
        reached: set[int] = set()
        waiting = list(positions)
        while waiting:
            index = waiting.pop()
            if index in reached:
                continue
            reached.add(index)
            step = self._steps[index]
            if isinstance(step, Split):
                waiting += step.then
            elif isinstance(step, Check) and truth[step.condition]:
                waiting.append(step.then)
        return reached

    # Compiling, from the end to the start: each node is given where to go on behind it.

    def _add(self, step: Step) -> int:
        if len(self._steps) >= STEPS_MAX:
            raise ValueError("the expression is too large")
        self._steps.append(step)
        return len(self._steps) - 1

    def _compile(self, node: Node, then: int) -> int:
        match node:
            case Chars(mask):
                return self._add(Read(mask, then))
            case Condition():
                return self._add(Check(node, then))
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._compile(part, then)
                return then
            case Choice(options):
                return self._add(Split(tuple(self._compile(option, then) for option in options)))
            case Repeat(part, low, high):
                return self._compile_repeat(part, low, high, then)

    def _compile_repeat(self, part: Node, low: int, high: int | None, then: int) -> int:
        if high is None:
            then = self._compile_loop(part, then)
        else:
            for _ in range(high - low):
                then = self._add(Split((self._compile(part, then), then)))
        return self._compile_times(part, low, then)

    def _compile_loop(self, part: Node, then: int) -> int:
        loop = self._add(Split(()))
        self._steps[loop] = Split((self._compile(part, loop), then))
        return loop

    def _compile_times(self, part: Node, times: int, then: int) -> int:
        for _ in range(times):
            then = self._compile(part, then)
        return then


@lru_cache(maxsize=64)
def cached_pattern(pattern: str) -> Pattern:
    """The expression, compiled once. Raises `ValueError` for what is none."""
    return Pattern(pattern)


def matching(pattern: str, names: Iterable[str]) -> frozenset[str]:
    """The names that the expression stands for."""
    matches = cached_pattern(pattern).matches
    return frozenset(name for name in names if matches(name))
