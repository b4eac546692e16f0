"""Records in batches of 1 MB, produced and consumed: through librdkafka and over plain sockets."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import raw_loads, rdkafka
from benchmarks.loads.load import Load, Part, Size
from benchmarks.loads.topics import end_offsets, expect_records, fresh_topic
from benchmarks.servers import Server


def through_librdkafka(value_bytes: int, partitions: int, acks: str) -> Load:
    """A C client in place of Python's, so that the broker is what is measured."""

    def run(server: Server, size: Size) -> Iterator[Part]:
        total = size.batch_bytes // value_bytes
        with fresh_topic(server, partitions) as topic:
            produced = rdkafka.produce(
                server.port,
                topic,
                partitions=partitions,
                value_bytes=value_bytes,
                total=total,
                acks=acks,
            )
            expect_records(server, [topic], total)
            yield Part("produce", "rec/s", produced)
            consumed = rdkafka.consume(server.port, topic, partitions=partitions, total=total)
            yield Part("consume", "rec/s", consumed)

    name = f"{value_bytes} B, {_partitions(partitions)}, acks={acks}"
    return Load("librdkafka, batches of 1 MB", name, run)


def over_a_socket(value_bytes: int, partitions: int) -> Load:
    """Prebuilt bytes: nothing but the broker works."""

    def run(server: Server, size: Size) -> Iterator[Part]:
        with fresh_topic(server, partitions) as topic:
            produced = raw_loads.produce_batches(
                server.port,
                topic,
                partitions=partitions,
                value_bytes=value_bytes,
                total_bytes=size.batch_bytes,
                acks=-1,
            )
            yield Part("produce", "rec/s", produced)
            records = end_offsets(server, [topic])
            fetched = raw_loads.fetch_all(
                server.port, topic, partitions=partitions, records=records
            )
            yield Part("fetch", "rec/s", fetched)

    name = f"{value_bytes} B, {_partitions(partitions)}, acks=all"
    return Load("plain socket, batches of 1 MB", name, run)


def _partitions(count: int) -> str:
    return f"{count} partition" + ("s" if count > 1 else "")
