"""`flowlog groups`: list, describe, members, lag, reset, delete."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from . import options
from .commands import Group
from .confirm import confirm
from .output import Column, emit, emit_document, table_section

if TYPE_CHECKING:
    from flowlog.client.lag import PartitionLag

LIST_COLUMNS = (Column("group"), Column("state"), Column("type"))
MEMBER_COLUMNS = (
    Column("member_id"),
    Column("instance_id", wide=True),
    Column("client_id"),
    Column("host"),
    Column("partitions"),
)
LAG_COLUMNS = (
    Column("topic"),
    Column("partition", "number"),
    Column("committed_offset", "number"),
    Column("end_offset", "number"),
    Column("lag", "count"),
    Column("lag_seconds", "seconds"),
    Column("member_id", wide=True),
)
RESET_COLUMNS = (
    Column("topic"),
    Column("partition", "number"),
    Column("current_offset", "number"),
    Column("new_offset", "number"),
    Column("change", "number"),
)


@click.group("groups", cls=Group)
def command() -> None:
    """Look at consumer groups, their lag, and reset them."""


@command.command("list")
def list_command() -> None:
    """List the groups."""
    from flowlog.client.groups import list_groups

    chosen = options.current()
    rows = [
        {"group": group.group_id, "state": group.state, "type": group.type}
        for group in list_groups(chosen.cluster())
    ]
    emit(chosen, LIST_COLUMNS, rows)


@command.command("describe")
@click.argument("group")
def describe_command(group: str) -> None:
    """Show a group's state, members and lag."""
    from flowlog.client.groups import describe_group

    chosen = options.current()
    cluster = chosen.cluster()
    detail = describe_group(cluster, group)
    members = [_member_row(member) for member in detail.members]
    lag = _lag_rows(cluster, group)
    total = sum(row["lag"] for row in lag)
    document = {
        "group": group,
        "state": detail.state,
        "type": detail.type,
        "assignor": detail.assignor,
        "coordinator": detail.coordinator,
        "lag": total,
        "members": members,
        "partitions": lag,
    }
    summary = (
        f"group {group}  {detail.state}  {detail.type}  assignor {detail.assignor or '-'}  "
        f"coordinator {detail.coordinator or '-'}  lag {total:,}\n"
    )
    sections = [summary]
    if members:
        sections.append(table_section(chosen, "members", MEMBER_COLUMNS, members))
    if lag:
        sections.append(table_section(chosen, "partitions", LAG_COLUMNS, lag))
    emit_document(chosen, document, sections)


@command.command("members")
@click.argument("group")
def members_command(group: str) -> None:
    """Show who reads which partitions."""
    from flowlog.client.groups import describe_group

    chosen = options.current()
    detail = describe_group(chosen.cluster(), group)
    emit(chosen, MEMBER_COLUMNS, [_member_row(member) for member in detail.members])


@command.command("lag")
@click.argument("group")
@click.option("-w", "--watch", is_flag=True, help="Again every 2 seconds, until Ctrl-C.")
def lag_command(group: str, watch: bool) -> None:
    """Show how far a group is behind: in records, and by the age of the oldest unread one."""
    chosen = options.current()
    cluster = chosen.cluster()
    while True:
        emit(chosen, LAG_COLUMNS, _lag_rows(cluster, group))
        if not watch:
            return
        click.echo()
        time.sleep(2)


@command.command("reset")
@click.argument("group")
@click.option(
    "--to",
    "position",
    required=True,
    metavar="POSITION",
    help="start, end, @TIME, an offset, +N or -N records.",
)
@click.option(
    "-t",
    "--topic",
    "topics",
    multiple=True,
    help="Only this topic; needed for one never committed.",
)
@click.option("--execute", is_flag=True, help="Do it; without this only the plan is shown.")
def reset_command(group: str, position: str, topics: tuple[str, ...], execute: bool) -> None:
    """Move a group's offsets; shows the plan unless --execute is given."""
    from flowlog.client.positions import parse_position
    from flowlog.client.resets import execute_reset, plan_reset
    from flowlog.clock import SystemClock

    chosen = options.current()
    cluster = chosen.cluster()
    target = parse_position(position, now_ms=SystemClock().now_ms())
    plan = plan_reset(cluster, group, target, topics=topics)
    if not plan:
        _refuse_empty_plan(cluster, group)
    if execute:
        execute_reset(cluster, group, plan)
    rows = [
        {
            "topic": move.partition.topic,
            "partition": move.partition.number,
            "current_offset": move.current,
            "new_offset": move.new,
            "change": move.change,
        }
        for move in plan
    ]
    emit(chosen, RESET_COLUMNS, rows)
    chosen.note("offsets were reset" if execute else "nothing was changed; add --execute to do it")


@command.command("delete")
@click.argument("groups", nargs=-1, required=True, metavar="GROUP...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_command(groups: tuple[str, ...], yes: bool) -> None:
    """Forget groups and their offsets; asks to type each name."""
    from flowlog.client.groups import delete_group, describe_group

    chosen = options.current()
    cluster = chosen.cluster()
    for group in groups:
        describe_group(cluster, group)
        if not yes:
            confirm(group, f"deleting group {group} forgets where it stood")
        delete_group(cluster, group)
        chosen.note(f"deleted group {group}")


def _refuse_empty_plan(cluster: Any, group: str) -> None:
    from flowlog.client.errors import ClientError
    from flowlog.client.groups import describe_group

    describe_group(cluster, group)
    raise ClientError(
        f"group {group!r} has no committed offsets",
        code="NOTHING_TO_RESET",
        hint="name the topics with --topic",
    )


def _member_row(member: Any) -> dict[str, Any]:
    return {
        "member_id": member.member_id,
        "instance_id": member.instance_id,
        "client_id": member.client_id,
        "host": member.host,
        "partitions": [str(partition) for partition in member.partitions],
    }


def _lag_rows(cluster: Any, group: str) -> list[dict[str, Any]]:
    from flowlog.client.lag import group_lag
    from flowlog.clock import SystemClock

    return [_lag_row(lag) for lag in group_lag(cluster, group, now_ms=SystemClock().now_ms())]


def _lag_row(lag: PartitionLag) -> dict[str, Any]:
    return {
        "topic": lag.partition.topic,
        "partition": lag.partition.number,
        "committed_offset": lag.committed_offset,
        "end_offset": lag.end_offset,
        "lag": lag.lag,
        "lag_seconds": lag.lag_seconds,
        "member_id": lag.member_id,
    }
