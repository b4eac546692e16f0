"""Frames that are no proper requests: versions, APIs and bodies that nobody knows."""

from __future__ import annotations

import struct

from tests.conformance.probe import Probe, case

API_VERSIONS, METADATA = 18, 3


def frame(api_key: int, version: int, body: bytes = b"") -> bytes:
    return struct.pack(">hhih", api_key, version, 7, -1) + body


@case(API_VERSIONS, since=4)
def versions_that_are_not_served(probe: Probe) -> None:
    probe.ask_bytes(frame(API_VERSIONS, 99, b"\0"))  # with its header's empty tags
    probe.ask_bytes(frame(API_VERSIONS, -1))
    probe.ask_bytes(frame(METADATA, 99))
    probe.ask_bytes(frame(METADATA, -1, b"\0\0\0\0"))
    probe.ask_bytes(frame(99, 0))
    probe.ask_bytes(frame(-1, 0))


@case(API_VERSIONS, since=4)
def bodies_that_are_cut_or_lie(probe: Probe) -> None:
    probe.ask_bytes(frame(METADATA, 1))
    probe.ask_bytes(frame(METADATA, 1, struct.pack(">i", 1000)))
    probe.ask_bytes(frame(METADATA, 1, struct.pack(">ih", 1, 50) + b"abc"))
    probe.ask_bytes(frame(METADATA, 1, struct.pack(">ih", 1, -1)))
    probe.ask_bytes(frame(METADATA, 1, struct.pack(">ih", 1, 2) + b"\xff\xfe"))
    probe.ask_bytes(b"\0")
    probe.ask_bytes(b"")
