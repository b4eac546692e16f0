"""Reads what the app writes when windows close, and the reports that came too late."""

from __future__ import annotations

from typing import Final, Self

import msgspec

from flowlog.client.cluster import Cluster
from flowlog.client.consuming import RecordReader
from flowlog.client.offsets import partitions_of
from flowlog.client.records import ReceivedRecord
from flowlog.streams.serdes.basic import STR
from flowlog.streams.serdes.windowed import windowed_serde

from .board import Board
from .flights import (
    Delays,
    Flight,
    RouteDay,
    carrier_hours_closed,
    flights,
    late_departures,
    route_days_closed,
)

READ_TOPICS: Final = (carrier_hours_closed.name, route_days_closed.name, late_departures.name)

_decode_hour: Final = windowed_serde(STR).decode


def missing_topics(cluster: Cluster) -> set[str]:
    """The topics of the app that are not there yet."""
    return {flights.name, *READ_TOPICS} - set(cluster.topic_names())


class ClosedRecords:
    """A context manager; reads the app's output topics from their start."""

    def __init__(self, cluster: Cluster) -> None:
        self._reader = RecordReader(cluster, group=None, committed_only=False)
        partitions = [part for topic in READ_TOPICS for part in partitions_of(cluster, topic)]
        self._reader.assign(dict.fromkeys(partitions, 0))
        self._hour_decoder = msgspec.json.Decoder(Delays)
        self._route_day_decoder = msgspec.json.Decoder(RouteDay)
        self._flight_decoder = msgspec.json.Decoder(Flight)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.__exit__(*error)

    def read_into(self, board: Board, timeout_s: float) -> None:
        """Put onto the board what has come; waits for that long at the most."""
        for record in self._reader.poll(timeout_s):
            if isinstance(record, ReceivedRecord) and record.value is not None:
                self._add(board, record, record.value)

    def _add(self, board: Board, record: ReceivedRecord, value: bytes) -> None:
        if record.topic == carrier_hours_closed.name:
            hour = _decode_hour(record.key or b"")
            board.add_hour(hour.key, hour.start, self._hour_decoder.decode(value))
        elif record.topic == route_days_closed.name:
            board.add_route_day(self._route_day_decoder.decode(value))
        else:
            board.late.add(self._flight_decoder.decode(value))
