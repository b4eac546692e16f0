"""`flowlog`: partition p of all topics together, even shares, no needless move, no surprise."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flowlog.broker.groups.assignors import range as range_assignor
from flowlog.broker.groups.assignors import uniform
from flowlog.broker.groups.assignors.rendezvous import assign, heirs
from flowlog.broker.groups.assignors.spec import Assignment, GroupSpec

from .specs import COUNTS, CROWDS, group_of, mixed_groups, owners_of, topics_of

CHANGES = st.lists(CROWDS, min_size=1, max_size=6)
"""Who is there, one crowd after the other."""


def loads(group: GroupSpec, assignment: Assignment) -> Counter[str]:
    """How many units each member has: partition numbers, once for each count of partitions."""
    return Counter(
        {
            member_id: len({(group.topics[t].partition_count, n) for t, n in mine})
            for member_id, mine in assignment.items()
        }
    )


@settings(max_examples=80, deadline=None)
@given(counts=COUNTS, crowds=CHANGES)
def test_partitions_of_one_number_stay_together_whoever_comes_and_goes(
    counts: list[int], crowds: list[list[str]]
) -> None:
    topics = topics_of(counts)
    assignment: Assignment = {}
    for crowd in crowds:
        assignment = assign(group_of(crowd, topics, assignment))
        owners = owners_of(assignment)
        for count in counts:
            twins = [t for t, topic in topics.items() if topic.partition_count == count]
            for n in range(count):
                assert len({owners[t, n] for t in twins}) == 1


@settings(max_examples=60, deadline=None)
@given(group=mixed_groups())
def test_topics_with_the_same_consumers_stay_together_whatever_others_consume(
    group: GroupSpec,
) -> None:
    owners = owners_of(assign(group))
    alike: dict[object, set[object]] = {}
    for (topic, n), owner in owners.items():
        consumers = frozenset(m for m, spec in group.members.items() if topic in spec.topics)
        key = (consumers, group.topics[topic].partition_count, n)
        alike.setdefault(key, set()).add(owner)
    assert all(len(holders) == 1 for holders in alike.values())


@settings(max_examples=80, deadline=None)
@given(counts=COUNTS, crowds=CHANGES)
def test_shares_differ_by_one_unit_at_the_most(counts: list[int], crowds: list[list[str]]) -> None:
    topics = topics_of(counts)
    assignment: Assignment = {}
    for crowd in crowds:
        group = group_of(crowd, topics, assignment)
        assignment = assign(group)
        shares = loads(group, assignment).values()
        assert max(shares) - min(shares) <= 1, shares


@settings(max_examples=80, deadline=None)
@given(counts=COUNTS, crowds=CHANGES, data=st.data())
def test_a_loss_moves_only_what_was_lost_and_to_whom_everybody_could_tell(
    counts: list[int], crowds: list[list[str]], data: st.DataObject
) -> None:
    topics = topics_of(counts)
    assignment: Assignment = {}
    for crowd in crowds:
        assignment = assign(group_of(crowd, topics, assignment))
    crowd = crowds[-1]
    assume(len(crowd) > 1)
    before = owners_of(assignment)
    lost = data.draw(st.sampled_from(sorted(assignment)))
    known = group_of(crowd, topics, assignment)
    foreseen = heirs(known, lost)

    left = [name for name in crowd if not lost.startswith(name)]
    after = owners_of(assign(group_of(left, topics, assignment)))
    moved = {p: owner for p, owner in after.items() if before[p] != owner}
    assert moved.keys() == assignment[lost]
    assert moved == foreseen


@settings(max_examples=80, deadline=None)
@given(counts=COUNTS, crowd=CROWDS, newcomer=st.sampled_from(["ape", "yak"]))
def test_a_newcomer_is_given_its_share_and_nothing_else_moves(
    counts: list[int], crowd: list[str], newcomer: str
) -> None:
    topics = topics_of(counts)
    before = assign(group_of(crowd, topics))
    group = group_of([*crowd, newcomer], topics, before)
    after = assign(group)
    for member_id, had in before.items():
        assert after[member_id] <= had
    shares = loads(group, after)
    assert shares[f"{newcomer}-0"] <= -(-shares.total() // len(shares))


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS, crowd=CROWDS)
def test_a_group_that_begins_anew_is_assigned_by_names_and_not_by_ids(
    counts: list[int], crowd: list[str]
) -> None:
    """All static members restarted at once: everybody finds its own state again."""
    topics = topics_of(counts)
    first = owners_of(assign(group_of(crowd, topics, life=0)))
    again = owners_of(assign(group_of(crowd, topics, life=1)))
    assert {p: m.partition("-")[0] for p, m in first.items()} == {
        p: m.partition("-")[0] for p, m in again.items()
    }


def test_what_one_loses_is_spread_over_the_others() -> None:
    """A standby on one machine for all of another would double its load."""
    topics = topics_of([64])
    names = [f"worker-{n}" for n in range(8)]
    assignment = assign(group_of(names, topics))
    for lost in assignment:
        inheritance = Counter(heirs(group_of(names, topics, assignment), lost).values())
        assert max(inheritance.values()) <= 2, "8 partitions for 7 members with 8 each"


def test_other_assignors_promise_less() -> None:
    """Lest the properties above hold for anything: each of Apache Kafka's two lacks one."""
    topics = topics_of([6, 6, 6])
    names = ["ant", "bee", "cat", "dog"]

    owners = owners_of(uniform.assign(group_of(names, topics)))
    assert any(len({owners[t, n] for t in topics}) > 1 for n in range(6)), "uniform: together"

    assignment = range_assignor.assign(group_of(names, topics))
    after = range_assignor.assign(group_of(names[1:], topics, assignment))
    assert any(not assignment[m] <= mine for m, mine in after.items()), "range: nothing moves"


def test_thousands_of_partitions_take_milliseconds_once_assigned() -> None:
    """A group's members come and go; each time only what moves is hashed.

    The bounds are a hundred times what a slow machine needs: quadratic work in partitions would
    break them, a busy machine does not.
    """
    topics = topics_of([5_000])
    names = [f"worker-{n}" for n in range(100)]
    assignment = assign(group_of(names, topics))
    begun = time.process_time()
    for crowd, following in pairwise([names, names[:-1], names]):
        assert crowd != following
        assignment = assign(group_of(following, topics, assignment))
    assert time.process_time() - begun < 5
    assert {len(mine) for mine in assignment.values()} == {50}
