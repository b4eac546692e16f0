"""One fetch session (KIP-227): a consumer names its partitions once and hears of changes alone.

Pure. The session keeps what the client last asked of each partition and what it was last told of
it; a partition is answered again when it has records, an error, or another high watermark, log
start or last stable offset.
Source: FetchSession in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from flowlog.broker.wire.fetch import (
    FetchPartition,
    FetchPartitionResult,
    FetchRequest,
    FetchTopic,
    FetchTopicResult,
    ForgottenTopic,
)

FINAL_EPOCH: Final = -1
INITIAL_EPOCH: Final = 0
EPOCH_MAX: Final = 2**31 - 1

TopicKey = str | UUID | None  # a name up to Fetch 12, an id after it
_Told = tuple[int, int, int]  # high watermark, last stable offset, log start
_NOTHING: Final[_Told] = (-1, -1, -1)


class FetchSession:
    """The partitions of one client, in the order in which they are read."""

    __slots__ = ("_told", "_wanted", "epoch", "last_used_ms", "session_id", "uses_topic_ids")

    def __init__(self, session_id: int, request: FetchRequest, now_ms: int) -> None:
        self.session_id = session_id
        self.epoch = INITIAL_EPOCH + 1  # what the next request must carry
        self.last_used_ms = now_ms
        self.uses_topic_ids = uses_topic_ids(request)
        self._wanted: dict[TopicKey, dict[int, FetchPartition]] = {}
        self._told: dict[tuple[TopicKey, int], _Told] = {}
        self.update(request)

    def __len__(self) -> int:
        """How many partitions it has."""
        return sum(map(len, self._wanted.values()))

    def advance(self) -> None:
        """A request of the expected epoch came in; after the last epoch comes the first again."""
        self.epoch = self.epoch + 1 if self.epoch < EPOCH_MAX else INITIAL_EPOCH + 1

    def update(self, request: FetchRequest) -> None:
        """Take in the partitions that the request adds, changes or forgets."""
        for topic in request.topics:
            rows = self._wanted.setdefault(_key(topic), {})
            for wanted in topic.partitions:
                rows[wanted.index] = wanted
        for forgotten in request.forgotten_topics:
            key = _key(forgotten)
            rows = self._wanted.get(key, {})
            for index in forgotten.partitions:
                rows.pop(index, None)
                self._told.pop((key, index), None)
            if not rows:
                self._wanted.pop(key, None)

    def topics(self) -> list[FetchTopic]:
        """What is to be read now."""
        return [
            FetchTopic(None, key, list(rows.values()))
            if self.uses_topic_ids and not isinstance(key, str)
            else FetchTopic(str(key), None, list(rows.values()))
            for key, rows in self._wanted.items()
        ]

    def changes(self, topics: Iterable[FetchTopicResult]) -> list[FetchTopicResult]:
        """The part of a full answer that the client does not know yet, which it knows from now on.

        Partitions that gave records are read last next time, so that none is starved.
        """
        changed: list[FetchTopicResult] = []
        for topic in topics:
            key = _key(topic)
            rows = [row for row in topic.partitions if self._is_news(key, row)]
            if rows:
                changed.append(FetchTopicResult(topic.name, topic.topic_id, rows))
                self._read_later(key, [row.index for row in rows if row.records])
        return changed

    def _is_news(self, key: TopicKey, row: FetchPartitionResult) -> bool:
        told = (row.high_watermark, row.last_stable_offset, row.log_start_offset)
        is_error = row.error_code != 0 or row.diverging_epoch is not None
        before = self._told.get((key, row.index), _NOTHING)
        # What follows an error is said in any case: the client may have reset the partition.
        self._told[key, row.index] = _NOTHING if is_error else told
        return is_error or bool(row.records) or told != before

    def _read_later(self, key: TopicKey, indexes: Sequence[int]) -> None:
        if not indexes or key not in self._wanted:
            return
        rows = self._wanted.pop(key)
        for index in indexes:
            if index in rows:
                rows[index] = rows.pop(index)
        self._wanted[key] = rows


def uses_topic_ids(request: FetchRequest) -> bool:
    """Whether the request names its topics by id (Fetch 13 and later); False where it names none."""
    topics: list[FetchTopic | ForgottenTopic] = [*request.topics, *request.forgotten_topics]
    return any(topic.name is None for topic in topics)


def _key(topic: FetchTopic | ForgottenTopic | FetchTopicResult) -> TopicKey:
    return topic.topic_id if topic.name is None else topic.name
