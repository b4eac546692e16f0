"""Record batches as bytes: header view, builder, checksum, compression, control records.

Nothing here does I/O, reads a clock or knows what a topic is.
"""
