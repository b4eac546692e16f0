"""Writes the lines of a generated function and keeps account of what they need from outside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowlog.streams.serdes.serde import Serde

from .nodes import Node
from .segment import Run, Segment, filename_of
from .topics import Topic

_ALWAYS: Final = ("fail", "dropped")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The names of the variables that hold the record at a place in the code.

    value is None where it is not decoded; raw is None where the bytes are not at hand.
    may_delete: the value may be `Tombstone`, which goes to sinks only.
    """

    value: str | None
    raw: str | None
    serde: Serde[Any] | None
    key: str
    key_serde: Serde[Any] | None
    time: str
    headers: str
    message: str
    may_delete: bool = False


class CodeWriter:
    """Lines, the step that each belongs to, and the names of the parameters of `make`."""

    def __init__(self, name: str, constants: Mapping[str, Any]) -> None:
        self._name = name
        self._lines: list[str] = []
        self._steps: list[Node | None] = []
        self._indent = 0
        self._step: Node | None = None
        self._serial = 0
        self._constants = dict(constants)
        self._sinks: dict[str, Topic[Any, Any]] = {}
        self._stages: dict[str, Node] = {}
        self._contexts: dict[str, Serde[Any]] = {}

    def _end_of_record(self, message: str) -> None:
        self._indent = 3
        self._close()
        self._open("except Exception as error:")
        self._line(f"fail(error, {message})")
        self._indent = 1
        self._line("return stream_time")
        self._indent = 0

    def _open(self, line: str) -> None:
        self._line(line)
        self._indent += 1

    def _close(self) -> None:
        self._indent -= 1

    def _line(self, line: str) -> None:
        self._lines.append("    " * (self._indent + 1) + line)
        self._steps.append(self._step)

    def _name_for(self, what: str) -> str:
        self._serial += 1
        return f"{what}_{self._serial}"

    def _constant(self, what: str, value: Any) -> str:
        name = self._name_for(what)
        self._constants[name] = value
        return name

    def _append_to(self, topic: Topic[Any, Any]) -> str:
        name = self._name_for("write")
        self._sinks[name] = topic
        return name

    def _stage(self, node: Node) -> str:
        name = self._name_for("gather")
        self._stages[name] = node
        return name

    def _drop_unused(self, *names: str) -> None:
        """Take out the assignments of variables that no other line reads."""
        for name in names:
            word = re.compile(rf"\b{name}\b")
            if sum(bool(word.search(line)) for line in self._lines) == 1:
                at = next(i for i, line in enumerate(self._lines) if word.search(line))
                if self._lines[at].strip().startswith(f"{name} = "):
                    del self._lines[at], self._steps[at]

    def _finish(self) -> Segment:
        self._drop_unused("index", "row", "window", "headers", "key")
        parameters = (*_ALWAYS, *self._constants, *self._sinks, *self._stages, *self._contexts)
        head = f"def make({', '.join(parameters)}):"
        lines = [head, *self._lines, "    return run"]
        source = "\n".join(lines) + "\n"
        return Segment(
            name=self._name,
            source=source,
            make=_compile(source, self._name),
            parameters=parameters,
            constants=self._constants,
            sinks=self._sinks,
            stages=self._stages,
            contexts=self._contexts,
            step_lines=(None, *self._steps, None),
        )


def _compile(source: str, name: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(source, filename_of(name), "exec"), namespace)
    make: Run = namespace["make"]
    return make
