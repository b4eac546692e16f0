"""The same three jobs in flowlog, Quix Streams and Faust, each drained in a process of its own.

`events` writes the input and knows the right answers, `programs/` holds one program a framework,
`drain` runs one and times it, `__main__` prints the table.
"""
