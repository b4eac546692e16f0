"""Thin, typed helpers over confluent-kafka: settings, admin calls, producing and consuming.

Everything blocks, takes a `Cluster` first and returns plain dataclasses; librdkafka's errors come
out as `ClientError`. Works against any Kafka that librdkafka speaks to, not only flowlog.
"""
