"""Partitions as this broker serves them: leader or not, high watermark, who waits for records."""
