"""flowlog: stream processing in Python with a built-in broker that speaks the Kafka protocol."""

__version__ = "0.1.0"
