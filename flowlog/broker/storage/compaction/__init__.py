"""Log compaction: keep each key's last value. Pure plans, a copy over the file port, a safe swap."""
