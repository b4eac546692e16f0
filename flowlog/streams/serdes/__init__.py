"""Between bytes and Python values: which form a type has in a topic, a changelog and a store."""
