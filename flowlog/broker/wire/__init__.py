"""Kafka's wire protocol: bytes to messages and back; no sockets, no decisions.

`messages` names the message classes, `codec` reads and writes them, `frames` and `headers` wrap
them, `produce` and `fetch` are the hand-written codecs of the hot path.
"""
