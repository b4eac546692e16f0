"""What the runtime needs of an app; the app itself is built on top of the runtime."""

from __future__ import annotations

from typing import Protocol

from flowlog.streams.topology.topology import Topology

from .queries import Questions


class RunnableApp(Protocol):
    """An `App`, seen from below."""

    @property
    def name(self) -> str:
        """The application id."""
        ...

    @property
    def partitions(self) -> int | None:
        """Of topics that do not say."""
        ...

    def topology(self) -> Topology:
        """What it compiles to."""
        ...

    def answer_with(self, questions: Questions | None) -> None:
        """Let the app's tables ask this from now on; None: nobody runs it any more."""
        ...
