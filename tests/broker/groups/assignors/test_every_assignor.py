"""What every assignor promises, whoever subscribes to what."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from flowlog.broker.groups.assignors.registry import ASSIGNORS
from flowlog.broker.groups.assignors.spec import Assignor, GroupSpec, MemberSpec

from .specs import mixed_groups, owners_of, topics_of

EVERY = pytest.mark.parametrize("assign", ASSIGNORS.values(), ids=ASSIGNORS)


@EVERY
@settings(max_examples=80, deadline=None)
@given(group=mixed_groups())
def test_each_consumed_partition_goes_to_one_of_its_consumers(
    assign: Assignor, group: GroupSpec
) -> None:
    assignment = assign(group)
    assert assignment.keys() == group.members.keys()
    owners = owners_of(assignment)
    consumed = {t for member in group.members.values() for t in member.topics}
    assert owners.keys() == {(t, n) for t in consumed for n in group.partitions(t)}
    assert all(topic in group.members[owner].topics for (topic, _), owner in owners.items())


@EVERY
@settings(max_examples=60, deadline=None)
@given(group=mixed_groups())
def test_the_order_in_which_members_and_topics_are_listed_does_not_matter(
    assign: Assignor, group: GroupSpec
) -> None:
    turned = GroupSpec(
        dict(list(group.members.items())[::-1]), dict(list(group.topics.items())[::-1])
    )
    assert assign(turned) == assign(group)


@EVERY
@settings(max_examples=60, deadline=None)
@given(group=mixed_groups())
def test_an_assignment_that_is_taken_over_stays_as_it_is(
    assign: Assignor, group: GroupSpec
) -> None:
    """Otherwise each run would move something, and a group would never settle."""
    assignment = assign(group)
    settled = {
        m: spec._replace(assigned=frozenset(assignment[m])) for m, spec in group.members.items()
    }
    assert assign(GroupSpec(settled, group.topics)) == assignment


@EVERY
def test_a_group_without_members_or_topics_is_assigned_nothing(assign: Assignor) -> None:
    assert assign(GroupSpec({}, topics_of([3]))) == {}
    assert assign(GroupSpec({"m": MemberSpec("m", frozenset())}, {})) == {"m": set()}
