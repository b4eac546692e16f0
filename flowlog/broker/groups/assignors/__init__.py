"""Who gets which partition: pure functions from members and topics to an assignment.

`spec` says what an assignor is given; `registry` knows them by the names that clients use.
"""
