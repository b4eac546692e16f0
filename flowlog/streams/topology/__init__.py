"""The graph as data: topics, steps, tables; and what it compiles to."""
