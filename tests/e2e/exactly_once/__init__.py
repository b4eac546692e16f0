"""Consume, transform, produce in transactions, while processes and the broker are killed."""
