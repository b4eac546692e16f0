"""Flights as records of the app's input topic."""

from __future__ import annotations

import msgspec

from flowlog.client.records import OutgoingRecord

from .flights import Flight


def report(flight: Flight) -> OutgoingRecord:
    """The record of one report; its key is the flight's number, as in `UA1545`."""
    return OutgoingRecord(f"{flight.carrier}{flight.number}".encode(), msgspec.json.encode(flight))
