"""`Members`: who is in a classic group, who is expected, and which protocols they share.

No states and no rules here: `ClassicGroup` decides. Counts that every join needs are kept up to
date rather than counted, so that a group of thousands costs no more per join than one of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flowlog.broker.coordinator.decision import Reply

from ..requests import JoinResult, Protocol
from .member import ClassicMember


class Members:
    """Members by id, in the order in which they came."""

    def __init__(self) -> None:
        self._by_id: dict[str, ClassicMember] = {}
        self._ids_by_instance: dict[str, str] = {}
        self._supporters: Counter[str] = Counter()  # members by protocol name
        self.awaiting_join_count = 0
        self.pending: dict[str, int] = {}  # ids given out, not yet joined with: their deadlines

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[ClassicMember]:
        """Over a copy: members may be removed on the way."""
        return iter(tuple(self._by_id.values()))

    def __contains__(self, member_id: str) -> bool:
        return member_id in self._by_id

    def get(self, member_id: str) -> ClassicMember | None:
        return self._by_id.get(member_id)

    def __getitem__(self, member_id: str) -> ClassicMember:
        return self._by_id[member_id]

    @property
    def static_count(self) -> int:
        return len(self._ids_by_instance)

    def id_of_instance(self, group_instance_id: str) -> str | None:
        """The member id that a static member has now."""
        return self._ids_by_instance.get(group_instance_id)

    def add(self, member: ClassicMember) -> None:
        assert member.member_id not in self._by_id, f"{member.member_id} is a member already"
        if member.group_instance_id is not None:
            assert member.group_instance_id not in self._ids_by_instance, (
                "two static members in one"
            )
            self._ids_by_instance[member.group_instance_id] = member.member_id
        self.pending.pop(member.member_id, None)
        self._by_id[member.member_id] = member
        self._count_support(member, 1)
        self.awaiting_join_count += member.join_reply is not None

    def remove(self, member_id: str) -> ClassicMember:
        """Forget a member; its parked requests must have been answered."""
        member = self._by_id.pop(member_id)
        assert member.join_reply is None, f"{member_id} leaves with a join unanswered"
        assert member.sync_reply is None, f"{member_id} leaves with a sync unanswered"
        self._count_support(member, -1)
        if member.group_instance_id is not None:
            del self._ids_by_instance[member.group_instance_id]
        return member

    def rename(self, member: ClassicMember, new_member_id: str) -> None:
        """Give a static member a new id; whoever still uses the old one is fenced by that."""
        assert member.group_instance_id is not None, "only static members are replaced"
        del self._by_id[member.member_id]
        member.member_id = new_member_id
        self._by_id[new_member_id] = member
        self._ids_by_instance[member.group_instance_id] = new_member_id

    # Joining.

    def park_join(self, member: ClassicMember, reply: Reply[JoinResult]) -> None:
        assert member.join_reply is None, f"{member.member_id} has a join parked already"
        member.join_reply = reply
        self.awaiting_join_count += 1

    def answer_join(self, member: ClassicMember, result: JoinResult) -> None:
        """Answer a parked join; nothing when none is parked."""
        if member.join_reply is not None:
            reply, member.join_reply = member.join_reply, None
            self.awaiting_join_count -= 1
            reply.answer(result)

    @property
    def all_joined(self) -> bool:
        """Everyone is parked and no given id is outstanding."""
        return self.awaiting_join_count == len(self._by_id) and not self.pending

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest that any member asks for; 0 without members."""
        return max((member.rebalance_timeout_ms for member in self._by_id.values()), default=0)

    # Protocols.

    def set_protocols(self, member: ClassicMember, protocols: tuple[Protocol, ...]) -> None:
        self._count_support(member, -1)
        member.protocols = protocols
        self._count_support(member, 1)

    def support_one_of(self, protocols: tuple[Protocol, ...]) -> bool:
        """Whether some protocol among these is supported by every member."""
        return any(self._supporters[p.name] == len(self._by_id) for p in protocols)

    def elect_protocol(self) -> str:
        """Each member votes for its first protocol that all support; the most votes win.

        Ties go to the protocol that was voted for first, that is by the oldest member.
        """
        assert self._by_id, "an empty group has no protocol"
        candidates = {name for name, n in self._supporters.items() if n == len(self._by_id)}
        votes = Counter(member.vote(candidates) for member in self._by_id.values())
        return votes.most_common(1)[0][0]

    def _count_support(self, member: ClassicMember, step: int) -> None:
        for name in {protocol.name for protocol in member.protocols}:
            self._supporters[name] += step
            if not self._supporters[name]:
                del self._supporters[name]
