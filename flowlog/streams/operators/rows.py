"""What flows between the steps of a task: plain tuples, one per record, in lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = tuple[bytes | None, Any, int, Any, int]
"""Key bytes, value, timestamp in ms, the message it came from (None: a table's update), and the
task's stream time in ms including this record."""

OnFailure = Callable[[Exception, Row], None]
"""Told about a row whose function raised; returns to go on without the row, or raises to stop."""
