"""flowlog answers as an Apache Kafka does, but for the differences that are meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tests.conformance.cases  # noqa: F401 - importing collects them
from flowlog.testing.broker_process import BrokerProcess
from tests.conformance.accepted import ACCEPTED
from tests.conformance.compare import BROKER_PROPERTIES
from tests.conformance.differences import differences
from tests.conformance.probe import CASES
from tests.conformance.recording import load
from tests.conformance.running import common, served_versions, tell_all

NOT_TOLD = {
    17: "needs a broker with users",
    36: "needs a broker with users",
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker with the settings of the Kafka that was recorded."""
    with BrokerProcess(tmp_path_factory.mktemp("broker"), BROKER_PROPERTIES) as broker:
        yield broker


@pytest.mark.parametrize(
    "only_ends",
    [
        pytest.param(True, id="first and last version"),
        pytest.param(False, id="every version", marks=pytest.mark.slow),
    ],
)
def test_answers_are_those_of_apache_kafka(broker: BrokerProcess, only_ends: bool) -> None:
    kafka = load()
    ranges = common(kafka.ranges, served_versions(broker.bootstrap))

    flowlog = tell_all(broker.bootstrap, ranges, CASES, only_ends=only_ends)

    found = list(differences(kafka.transcripts, flowlog))
    assert [str(row) for row in found if row.accepted is None] == []
    used = {row.accepted for row in found}
    assert [row for row in ACCEPTED if row not in used] == [], "no longer a difference"
    assert kafka.transcripts.keys() >= flowlog.keys(), "record the new cases"
