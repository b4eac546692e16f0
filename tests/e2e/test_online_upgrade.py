"""A group goes over to the new protocol (KIP-848) member by member while it works, and back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from uuid import uuid4

import pytest

from tests.e2e.clients.model import NEW_GROUPS, Client, Member, Outgoing
from tests.e2e.waiting import shared_fairly, wait_until

pytestmark = [pytest.mark.needs(NEW_GROUPS), pytest.mark.usefixtures("new_groups_are_served")]

TopicFactory = Callable[..., str]
PARTITIONS = 4


class Rolling:
    """A group whose members are replaced one at a time; records flow all the while."""

    def __init__(self, client: Client, topic: str) -> None:
        self.group = f"group-{uuid4().hex[:12]}"
        self.members: list[Member] = []
        self.sent: set[int] = set()
        self.received: list[int] = []
        self._client = client
        self._topic = topic
        self._partitions = [(topic, p) for p in range(PARTITIONS)]

    def join(self, protocol: str) -> None:
        """One more member; returns when all have their share."""
        self.members.append(self._client.join(self.group, [self._topic], protocol=protocol))
        self._work()

    def leave(self) -> None:
        """The oldest member commits and goes; returns when the others have its share."""
        gone = self.members.pop(0)
        gone.commit()
        gone.close()
        if self.members:
            self._work()

    def _work(self) -> None:
        members = self.members
        self._poll(lambda: shared_fairly(members, self._partitions), "shared")
        first = len(self.sent)
        fresh = set(range(first, first + 5 * PARTITIONS))
        records = [Outgoing(b"%d" % n, partition=n % PARTITIONS) for n in sorted(fresh)]
        self._client.produce(self._topic, records)
        self.sent |= fresh
        self._poll(lambda: fresh <= set(self.received), "read")
        for member in members:
            member.commit()

    def _poll(self, reached: Callable[[], bool], what: str) -> None:
        def take() -> bool:
            for member in self.members:
                self.received += [int(r.value or b"") for r in member.poll(0.05)]
            return reached()

        wait_until(take, what=what)


@pytest.mark.parametrize(("old", "new"), [("classic", "consumer"), ("consumer", "classic")])
def test_every_record_is_read_while_members_are_replaced_one_by_one(
    client: Client, flowlog_topic: TopicFactory, old: str, new: str
) -> None:
    topic = flowlog_topic(partitions=PARTITIONS)
    rolling = Rolling(client, topic)
    with ExitStack() as stack:
        stack.callback(lambda: [member.close() for member in rolling.members])
        for _ in range(2):
            rolling.join(old)
        for _ in range(2):
            rolling.join(new)
            rolling.leave()
        while rolling.members:
            rolling.leave()
    assert set(rolling.received) == rolling.sent
    assert client.committed(rolling.group, topic) == client.end_offsets(topic)
