"""A segment: the steps between two places where rows are gathered, as one generated function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from flowlog.streams.serdes.serde import Serde

from .nodes import Node
from .topics import Topic

Run = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Segment:
    """Generated code, and what a task has to pass to its `make`.

    parameters: every name that `make` takes.
    constants: functions and encoders.
    sinks: names of append functions for rows (key, value, timestamp ms, headers) to topics.
    stages: names of append functions for rows to steps that gather them.
    contexts: names of `Ctx` objects, with the serde of the keys they show.
    step_lines: for each line of the source, the step it belongs to.
    """

    name: str
    source: str
    make: Callable[..., Run]
    parameters: tuple[str, ...]
    constants: Mapping[str, Any]
    sinks: Mapping[str, Topic[Any, Any]]
    stages: Mapping[str, Node]
    contexts: Mapping[str, Serde[Any]]
    step_lines: tuple[Node | None, ...]

    @property
    def filename(self) -> str:
        """What stands in tracebacks for the generated code."""
        return filename_of(self.name)

    def step_of(self, traceback: TracebackType | None) -> Node | None:
        """The step in whose code an exception was raised."""
        step = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.filename:
                step = self.step_lines[traceback.tb_lineno - 1]
            traceback = traceback.tb_next
        return step


def filename_of(name: str) -> str:
    """See `Segment.filename`."""
    return f"<flowlog {name}>"
