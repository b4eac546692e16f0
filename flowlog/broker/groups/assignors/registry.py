"""The assignors by the names that clients ask for with `group.remote.assignor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import range as range_assignor
from . import rendezvous, uniform
from .spec import Assignor

ASSIGNORS: Final[Mapping[str, Assignor]] = {
    "uniform": uniform.assign,
    "range": range_assignor.assign,
    "flowlog": rendezvous.assign,
}
