"""The same raw requests to flowlog and to an Apache Kafka, their answers held side by side."""
