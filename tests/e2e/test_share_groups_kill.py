"""Share groups when the broker is killed: what was accepted never comes again, all else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.clients.confluent import ConfluentClient
from tests.e2e.clients.model import Outgoing
from tests.e2e.clients.sharing import Verdict, join_share_group, poll_shared
from tests.e2e.group_config import set_group_config

GROUP, TOPIC = "workers", "jobs"
COUNT = 200


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path) as broker:
        yield broker


def test_only_what_was_not_accepted_comes_again(broker: BrokerProcess) -> None:
    client = ConfluentClient(broker.bootstrap)
    client.create_topic(TOPIC)
    client.produce(TOPIC, [Outgoing(b"%d" % n, partition=0) for n in range(COUNT)])
    set_group_config(broker.bootstrap, GROUP, share_auto_offset_reset="earliest")
    accepted = set()
    with closing(
        join_share_group(client, broker.bootstrap, GROUP, [TOPIC], explicit=True)
    ) as member:
        held = poll_shared(member, COUNT)
        for record in held:
            is_even = record.offset % 2 == 0
            member.acknowledge(record, Verdict.ACCEPT if is_even else Verdict.RELEASE)
            accepted |= {record.offset} if is_even else set()
        member.commit()
        poll_shared(member, COUNT - len(accepted))  # Held, and not decided, when the broker dies.
        broker.kill()
        broker.start()

        with closing(
            join_share_group(client, broker.bootstrap, GROUP, [TOPIC], explicit=False)
        ) as successor:
            again = {record.offset for record in poll_shared(successor, COUNT - len(accepted))}

    assert again == set(range(COUNT)) - accepted
