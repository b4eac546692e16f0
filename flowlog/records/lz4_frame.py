"""LZ4 frames as Kafka's Java client insists on them: independent blocks of at most 64 KiB.

cramjam writes frames of linked blocks, which that client refuses, so the frame is put together
here from blocks: 7 bytes of header, then per block a little-endian length (highest bit: stored
uncompressed) and its bytes, then four zero bytes. Reading needs nothing special.

Source: KafkaLZ4BlockOutputStream in apache/kafka, clients; the LZ4 frame format description.
"""

from __future__ import annotations

from typing import Final

import cramjam

# Magic 184D2204; flags: version 1, independent blocks; block size code 4; checksum of the two.
HEADER: Final = bytes.fromhex("04224d18604082")
BLOCK_BYTES: Final = 64 * 1024
STORED_BIT: Final = 1 << 31
END_MARK: Final = bytes(4)


def compress(data: bytes | bytearray | memoryview) -> bytes:
    view = memoryview(data)
    parts = [HEADER]
    for start in range(0, len(view), BLOCK_BYTES):
        block = view[start : start + BLOCK_BYTES]
        packed = bytes(cramjam.lz4.compress_block(block, store_size=False))
        if len(packed) < len(block):
            parts += (len(packed).to_bytes(4, "little"), packed)
        else:
            parts += ((len(block) | STORED_BIT).to_bytes(4, "little"), bytes(block))
    parts.append(END_MARK)
    return b"".join(parts)
