"""Looking into log files from outside: for people, after the fact, or beside a running broker.

Nothing here writes, takes a lock or repairs; nothing here is used by the broker. Damage is a value
that is handed out, and reading goes on behind it where that is possible.
"""
