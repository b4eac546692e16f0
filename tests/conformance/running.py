"""Telling every case to one broker: a transcript per case and version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowlog.broker.wire import messages
from tests.conformance.answers import Answer
from tests.conformance.connection import API_VERSIONS, RawConnection
from tests.conformance.probe import Case, Probe, new_scope

Transcripts = dict[str, list[Answer]]
Ranges = Mapping[int, tuple[int, int]]


def served_versions(bootstrap: str) -> Ranges:
    """The versions that the broker advertises, by API key."""
    m = messages.api_versions
    request = m.ApiVersionsRequest(client_software_name="compare", client_software_version="1")
    with RawConnection(bootstrap) as connection:
        answer = connection.call(API_VERSIONS, 4, request)
    return {row.api_key: (row.min_version, row.max_version) for row in answer.api_keys}


def versions_of(case: Case, ranges: Ranges) -> range:
    """The versions at which the case is told to a broker with those ranges."""
    low, high = ranges.get(case.api_key, (0, -1)) if case.needs in ranges else (0, -1)
    return range(max(low, case.since), min(high, case.until) + 1)


def common(first: Ranges, second: Ranges) -> Ranges:
    """The versions that both serve."""
    return {
        key: (max(low, second[key][0]), min(high, second[key][1]))
        for key, (low, high) in first.items()
        if key in second
    }


def tell_all(
    bootstrap: str, ranges: Ranges, cases: Iterable[Case], *, only_ends: bool = False
) -> Transcripts:
    """Tell the cases at the versions in `ranges`; the answers by `key vN case`.

    `only_ends` leaves out the versions between the first and the last of a case.
    """
    transcripts: Transcripts = {}
    scope = new_scope()
    for case in cases:
        versions: Iterable[int] = versions_of(case, ranges)
        if only_ends:
            versions = sorted({*list(versions)[:1], *list(versions)[-1:]})
        for version in versions:
            with RawConnection(bootstrap) as connection:
                own = f"{scope}-{case.api_key}-{version}-{len(transcripts)}"
                probe = Probe(connection, case.api_key, version, own)
                case.tell(probe)
            transcripts[f"{case.api_key} v{version} {case.name}"] = probe.answers
    return transcripts
