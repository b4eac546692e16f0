"""Members of a group come, leave and die at random: a small size of the long run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.group_churn.classic_member import ClassicMember
from tests.e2e.group_churn.consumer_member import ConsumerMember
from tests.e2e.group_churn.rounds import Churned, Kind
from tests.e2e.group_churn.setting import PROPERTIES, PROTOCOLS, churn

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The broker is another process; one event loop for its members will do."""
    return "asyncio"


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("churn")
    with BrokerProcess(folder, PROPERTIES) as broker:
        yield broker.bootstrap


async def churned(bootstrap: str, protocol: str, kind: Kind | None = None) -> Churned:
    return await churn(
        bootstrap,
        protocol=protocol,
        member_count=10,
        partition_count=20,
        seconds=4,
        pause_s=0.2,
        rng=random.Random(1),
        kind=kind,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_no_partition_has_two_live_owners_and_the_group_comes_to_rest(
    bootstrap: str, protocol: str
) -> None:
    outcome = await churned(bootstrap, protocol)
    assert outcome.broken == []
    assert outcome.changes > 10
    assert outcome.gains > 20


class HoldsOn(ClassicMember):
    """Goes on with what it had while it joins again."""

    def _give_up(self) -> None:
        pass


class SaysTooMuch(ConsumerMember):
    """Says that it gave up what was taken away, and goes on with it."""

    def _note_owned(self, owned: tuple[int, ...]) -> None:
        self.kept = {*getattr(self, "kept", ()), *owned}
        super()._note_owned(tuple(self.kept))


@pytest.mark.parametrize(
    ("protocol", "make"), [("classic", HoldsOn), ("consumer", SaysTooMuch)], ids=PROTOCOLS
)
async def test_a_member_that_keeps_what_was_taken_from_it_is_found_out(
    bootstrap: str, protocol: str, make: type[ClassicMember | ConsumerMember]
) -> None:
    outcome = await churned(bootstrap, protocol, Kind(make))
    assert any(promise.startswith("two owners") for promise in outcome.broken)
