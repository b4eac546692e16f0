"""Small text files: Kafka's, and no bit of them changes without being noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crc32c import crc32c

from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    decode_checkpoint,
    decode_epochs,
    decode_properties,
    encode_checkpoint,
    encode_epochs,
    encode_properties,
)


def flipped(good: bytes) -> Iterator[bytes]:
    for bit in range(len(good) * 8):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        yield bytes(bad)


def test_a_checkpoint_has_kafkas_text_and_a_checksum() -> None:
    version, checksum, rest = encode_epochs([(0, 0), (3, 17)]).split(b"\n", 2)
    assert (version, rest) == (b"1", b"2\n0 0\n3 17\n")
    assert int(checksum, 16) == crc32c(rest)


def test_kafkas_own_checkpoint_is_read() -> None:
    assert decode_epochs(b"0\n2\n0 0\n3 17\n") == [(0, 0), (3, 17)]


def test_any_flipped_bit_of_a_checkpoint_is_noticed() -> None:
    for bad in flipped(encode_checkpoint([("topic", 3, 17), ("other", 4, 1234567)])):
        with pytest.raises(CorruptCheckpointError):
            decode_checkpoint(bad, fields=3)


def test_no_flipped_bit_of_the_identity_names_another() -> None:
    properties = {"version": "1", "cluster.id": "x1", "node.id": "1"}
    noticed = 0
    for bad in flipped(encode_properties(properties)):
        try:
            assert decode_properties(bad).items() >= properties.items()
        except CorruptCheckpointError:
            noticed += 1
    assert noticed > 8 * len(b"version=1")


def test_an_identity_without_a_checksum_is_believed() -> None:
    assert decode_properties(b"# by hand\nnode.id=1\n") == {"node.id": "1"}
