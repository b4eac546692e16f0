"""Who wrote a batch; it decides what is checked."""

from __future__ import annotations

import enum


class AppendOrigin(enum.Enum):
    """A client's batches are checked in full, the broker's own are trusted."""

    CLIENT = "client"
    COORDINATOR = "coordinator"
