"""Regular expressions over topic names, in RE2's syntax, at a cost that is linear in the name.

Clients send us expressions, so nothing that backtracks may run them: `(a+)+$` would stop the
broker. `syntax` reads them, `automaton` runs them.
"""
