"""What groups cost that have nothing to do but to say that they live.

`python -m tests.e2e.idle_groups --groups 500 --members 2 --seconds 30 --protocol classic|consumer`

Each member has a connection of its own and heartbeats as clients do by default: every 3 s in the
classic protocol, every 5 s, as the broker says, in the new one. With `--fetching` each also waits
for records, as a consumer's long poll does: again and again for up to 500 ms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import anyio
from anyio import to_thread

from benchmarks.servers import cpu_seconds
from flowlog.broker.wire import messages
from flowlog.testing.broker_process import BrokerProcess
from tests.broker.raw_client import RawClient
from tests.e2e.group_churn.classic_member import ClassicMember
from tests.e2e.group_churn.consumer_member import ConsumerMember
from tests.e2e.group_churn.ledger import Ledger
from tests.e2e.group_churn.member import Group
from tests.e2e.group_churn.raw_member import RawMember
from tests.e2e.group_churn.setting import create_topic

KINDS: Final[dict[str, tuple[type[RawMember], float]]] = {
    "classic": (ClassicMember, 3.0),
    "consumer": (ConsumerMember, 5.0),
}
"""The kind of member, and seconds between two heartbeats."""
SESSION_TIMEOUT_S: Final = 45.0
PROPERTIES: Final = {"group.initial.rebalance.delay.ms": "0"}
FETCH, FETCH_VERSION = 1, 11
FETCH_WAIT_MS: Final = 500
_STABLE_WITHIN_S: Final = 120.0
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Idle:
    """What the broker did while its groups were idle."""

    cpu_share: float
    """Of one core."""
    changes: int
    """Partitions that changed hands meanwhile; idle groups give none away."""


async def idle(
    bootstrap: str,
    pid: int,
    *,
    protocol: str,
    group_count: int,
    member_count: int,
    seconds: float,
    fetching: bool = False,
) -> Idle:
    """Let so many members join, wait until their groups are stable, and watch the broker.

    Raises:
        TimeoutError: the groups do not become stable.
    """
    kind, heartbeat_s = KINDS[protocol]
    topic = f"idle-{uuid4().hex[:8]}"
    await to_thread.run_sync(create_topic, bootstrap, topic, member_count)
    groups = [
        Group(
            bootstrap=bootstrap,
            name=f"{topic}-{number}",
            topic=topic,
            ledger=Ledger(member_count),
            session_timeout_s=SESSION_TIMEOUT_S,
            heartbeat_s=heartbeat_s,
        )
        for number in range(group_count)
    ]
    async with anyio.create_task_group() as tasks:
        for group in groups:
            for number in range(member_count):
                tasks.start_soon(kind(group, f"member-{number}").run)
                if fetching:
                    tasks.start_soon(_fetch, bootstrap, topic, number)
        with anyio.fail_after(_STABLE_WITHIN_S):
            while not _settled(groups, member_count):  # noqa: ASYNC110 - many ledgers
                await anyio.sleep(_LOOK_S)
        gains = sum(group.ledger.gains for group in groups)
        before_s, started_s = cpu_seconds(pid), time.monotonic()
        await anyio.sleep(seconds)
        share = (cpu_seconds(pid) - before_s) / (time.monotonic() - started_s)
        tasks.cancel_scope.cancel()
    return Idle(share, sum(group.ledger.gains for group in groups) - gains)


def _settled(groups: Sequence[Group], member_count: int) -> bool:
    """Every partition has its owner, and every member its partition."""
    return all(
        not group.ledger.unsettled() and len(group.ledger.busy()) == member_count
        for group in groups
    )


async def _fetch(bootstrap: str, topic: str, partition: int) -> None:
    """Wait for records of an empty partition, as a consumer without fetch sessions does."""
    m = messages.fetch.request
    wanted = m.FetchPartition(
        partition=partition, fetch_offset=0, partition_max_bytes=2**20, log_start_offset=-1
    )
    request = m.FetchRequest(
        max_wait_ms=FETCH_WAIT_MS,
        min_bytes=1,
        topics=(m.FetchTopic(topic=topic, partitions=(wanted,)),),
    )
    async with await RawClient.connect(bootstrap) as client:
        while True:
            await client.call(FETCH, FETCH_VERSION, request)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the share of a core; exit code 1 if partitions changed hands meanwhile."""
    options = _options(arguments)
    if options.bootstrap:
        return _run(options.bootstrap, options.pid, options)
    with (
        tempfile.TemporaryDirectory(prefix="flowlog-idle-") as folder,
        BrokerProcess(Path(folder), PROPERTIES) as broker,
    ):
        return _run(broker.bootstrap, broker.pid, options)


def _run(bootstrap: str, pid: int, options: argparse.Namespace) -> int:
    async def run() -> Idle:
        return await idle(
            bootstrap,
            pid,
            protocol=options.protocol,
            group_count=options.groups,
            member_count=options.members,
            seconds=options.seconds,
            fetching=options.fetching,
        )

    found = anyio.run(run)
    print(
        f"{options.groups} {options.protocol} groups of {options.members}: the broker took "
        f"{found.cpu_share:.1%} of a core, {found.changes} partitions changed hands"
    )
    return 1 if found.changes else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.idle_groups", description=__doc__)
    parser.add_argument("--groups", type=int, default=500)
    parser.add_argument("--members", type=int, default=2, help="of each group")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--protocol", choices=KINDS, default="classic")
    parser.add_argument("--fetching", action="store_true", help="members wait for records, too")
    parser.add_argument("--bootstrap", help="a running broker, in place of a flowlog of its own")
    parser.add_argument("--pid", type=int, default=0, help="the process of that broker")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
