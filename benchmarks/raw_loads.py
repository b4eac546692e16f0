"""Loads made of prebuilt bytes over plain sockets: what the broker can do, without a client."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque

from benchmarks import wire
from benchmarks.measured import Measured


def produce_batches(
    port: int, topic: str, *, partitions: int, value_bytes: int, total_bytes: int, acks: int
) -> Measured:
    """Batches of 1 MB on one connection, five in flight, round the partitions."""
    count = wire.records_per_batch(value_bytes)
    batch = wire.record_batch(count, b"x" * value_bytes)
    requests = [wire.produce_request(topic, p, batch, acks=acks) for p in range(partitions)]
    position = wire.produce_error_position(topic) - 4
    turns = max(1, total_bytes // len(batch))
    with wire.connect(port) as sock:
        before = time.perf_counter()
        answered = 0
        for turn in range(turns):
            sock.sendall(requests[turn % partitions])
            if turn - answered >= 4:
                _check(wire.read_response(sock), position)
                answered += 1
        while answered < turns:
            _check(wire.read_response(sock), position)
            answered += 1
        return Measured.of(turns * count, time.perf_counter() - before)


def fetch_all(port: int, topic: str, *, partitions: int, records: int) -> Measured:
    """Read `records` records from the beginning, 1 MB of a partition at a time, one connection."""
    offsets = dict.fromkeys(range(partitions), 0)
    got = 0
    with wire.connect(port) as sock:
        before = time.perf_counter()
        while got < records:
            for partition, offset in offsets.items():
                sock.sendall(wire.fetch_request(topic, partition, offset, max_bytes=2**20))
                found = wire.fetched_records(wire.read_response(sock), topic)
                for next_offset, count in wire.whole_batches(found):
                    offsets[partition] = next_offset
                    got += count
        return Measured.of(got, time.perf_counter() - before)


class _Lane:
    """One connection that keeps some requests in flight and notes how long each took."""

    def __init__(self, port: int, request: bytes, in_flight: int, error_position: int) -> None:
        self.sock = wire.connect(port)
        self._request = request
        self._in_flight = in_flight
        self._error_position = error_position
        self._sent_ns: deque[int] = deque()
        self._buffer = b""

    def fill(self) -> None:
        missing = self._in_flight - len(self._sent_ns)
        if missing:
            self._sent_ns.extend([time.perf_counter_ns()] * missing)
            self.sock.sendall(self._request * missing)

    def receive(self, waits_ns: list[int]) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the broker closed the connection")
        now_ns = time.perf_counter_ns()
        buffer = self._buffer + data
        start = 0
        while len(buffer) - start >= 4:
            end = start + 4 + int.from_bytes(buffer[start : start + 4])
            if end > len(buffer):
                break
            at = start + self._error_position
            if buffer[at : at + 2] != b"\0\0":
                raise RuntimeError(f"produce was refused: {buffer[at : at + 2]!r}")
            waits_ns.append(now_ns - self._sent_ns.popleft())
            start = end
        self._buffer = buffer[start:]


def produce_singles(
    port: int, topic: str, *, connections: int, in_flight: int, seconds: float, acks: int
) -> Measured:
    """One record of 100 bytes a request; a closed loop of `connections` times `in_flight`."""
    request = wire.produce_request(topic, 0, wire.record_batch(1, b"x" * 100), acks=acks)
    position = wire.produce_error_position(topic)
    lanes = [_Lane(port, request, in_flight, position) for _ in range(connections)]
    waits_ns: list[int] = []
    try:
        with select.epoll() as poller:
            by_fd = {lane.sock.fileno(): lane for lane in lanes}
            for number, lane in by_fd.items():
                poller.register(number, select.EPOLLIN)
                lane.fill()
            before = time.perf_counter()
            while (elapsed := time.perf_counter() - before) < seconds:
                for number, _ in poller.poll(1.0):
                    by_fd[number].receive(waits_ns)
                    by_fd[number].fill()
            return Measured.of(len(waits_ns), elapsed, waits_ns)
    finally:
        for lane in lanes:
            lane.sock.close()


def _check(response: memoryview, error_position: int) -> None:
    (error,) = struct.unpack_from(">h", response, error_position)
    if error:
        raise RuntimeError(f"produce was refused with code {error}")


def free_port() -> int:
    """A port that is free now; good enough for a program that starts one server."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
