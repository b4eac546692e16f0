"""The loads that `benchmarks.broker` puts on a server."""

from __future__ import annotations

from typing import Final

from benchmarks.loads import batches, many, singles
from benchmarks.loads.load import Load

LOADS: Final[tuple[Load, ...]] = (
    batches.through_librdkafka(100, 1, "1"),
    batches.through_librdkafka(100, 1, "all"),
    batches.through_librdkafka(100, 6, "1"),
    batches.through_librdkafka(100, 6, "all"),
    batches.through_librdkafka(1024, 1, "all"),
    batches.through_librdkafka(1024, 6, "all"),
    batches.over_a_socket(100, 1),
    batches.over_a_socket(1024, 1),
    singles.over_sockets(1, 1, -1),
    singles.over_sockets(50, 1, -1),
    singles.over_sockets(1, 64, 1),
    singles.through_librdkafka(),
    singles.end_to_end(1_000),
    many.spread(),
    many.first_record(),
)
