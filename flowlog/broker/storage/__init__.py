"""Partition logs on disk: segments, indexes, recovery, retention, flushing, and the file port.

`PartitionLog` is one log, `LogDirectory` a data directory full of them, `GroupCommit` how an
answer waits for the disk. Nothing here knows of sockets, replicas or requests.
"""
