"""Configuration in Kafka's spelling: which keys exist, their types, defaults and layers."""
