"""The same jobs in flowlog, Quix Streams, Bytewax, Faust and Kafka Streams, a process each.

`events` writes the input and knows the right answers, `programs/` and `kafka_streams/` hold one
program a framework, `program` runs one, `drain` and `restore` time it, `__main__` prints the table.
"""
