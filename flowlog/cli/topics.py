"""`flowlog topics`: list, describe, create, config, alter, partitions, delete, trim."""

from __future__ import annotations

import click

from flowlog.errors import FlowlogError

from . import options
from .commands import Group
from .confirm import confirm
from .output import Column, emit, emit_document
from .text import plural
from .topic_detail import SETTING_COLUMNS, describe_with_readers, setting_row, topic_sections

LIST_COLUMNS = (
    Column("topic"),
    Column("partitions", "number"),
    Column("replication_factor", "number"),
    Column("is_internal", wide=True),
)
MOVE_COLUMNS = (
    Column("topic"),
    Column("partition", "number"),
    Column("start_offset", "number"),
    Column("new_start_offset", "number"),
)


@click.group("topics", cls=Group)
def command() -> None:
    """List, describe, create, change and delete topics."""


@command.command("list")
@click.option("-i", "--internal", is_flag=True, help="Also those that begin with two underscores.")
def list_command(internal: bool) -> None:
    """List the topics."""
    from flowlog.client.topics import list_topics

    chosen = options.current()
    rows = [
        {
            "topic": topic.name,
            "partitions": topic.partition_count,
            "replication_factor": topic.replication_factor,
            "is_internal": topic.is_internal,
        }
        for topic in list_topics(chosen.cluster(), internal=internal)
    ]
    emit(chosen, LIST_COLUMNS, rows)


@command.command("describe")
@click.argument("topic")
@click.option("--all-settings", is_flag=True, help="Also the settings that are at their default.")
@click.option("--groups/--no-groups", default=True, help="Look for groups that read the topic.")
def describe_command(topic: str, all_settings: bool, groups: bool) -> None:
    """Show a topic's settings, partitions, and the groups that read it with their lag."""
    chosen = options.current()
    cluster = chosen.cluster()
    described = describe_with_readers(cluster, topic, all_settings=all_settings, groups=groups)
    emit_document(chosen, described, topic_sections(chosen, described))


@command.command("create")
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...")
@click.option("-p", "--partitions", type=click.IntRange(min=1))
@click.option("-r", "--replication-factor", type=click.IntRange(min=1))
@click.option("-c", "--config", "settings", multiple=True, metavar="KEY=VALUE", help="A setting.")
@click.option("--if-not-exists", is_flag=True, help="Leave a topic that is there as it is.")
@click.option("--dry-run", is_flag=True, help="Only check that it could be made.")
def create_command(
    topics: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    settings: tuple[str, ...],
    if_not_exists: bool,
    dry_run: bool,
) -> None:
    """Create topics."""
    from flowlog.client.settings import parse_property
    from flowlog.client.topics import NewTopic, create_topic

    chosen = options.current()
    cluster = chosen.cluster()
    values = dict(parse_property(text) for text in settings)
    for name in topics:
        try:
            create_topic(
                cluster,
                NewTopic(name, partitions or -1, replication_factor or -1, values),
                validate_only=dry_run,
            )
        except FlowlogError as error:
            if error.code != "TOPIC_ALREADY_EXISTS" or not if_not_exists:
                raise
            chosen.note(f"topic {name} is already there")
        else:
            chosen.note(f"{'could create' if dry_run else 'created'} topic {name}")


@command.command("config")
@click.argument("topic")
def config_command(topic: str) -> None:
    """Show all of a topic's settings and where each comes from; those not at default first."""
    from flowlog.client.configs import ResourceKind, describe_settings

    chosen = options.current()
    cluster = chosen.cluster()
    cluster.partitions_of(topic)
    rows = [setting_row(s) for s in describe_settings(cluster, ResourceKind.TOPIC, topic)]
    emit(chosen, SETTING_COLUMNS, rows)


@command.command("alter")
@click.argument("topic")
@click.option("-s", "--set", "to_set", multiple=True, metavar="KEY=VALUE", help="Set a setting.")
@click.option(
    "-d", "--delete", "to_reset", multiple=True, metavar="KEY", help="Back to the default."
)
@click.option("--dry-run", is_flag=True, help="Only check that the broker would accept it.")
def alter_command(
    topic: str, to_set: tuple[str, ...], to_reset: tuple[str, ...], dry_run: bool
) -> None:
    """Change a topic's settings; what is not named stays."""
    from flowlog.client.configs import ResourceKind, alter_settings
    from flowlog.client.settings import parse_property

    chosen = options.current()
    values = dict(parse_property(text) for text in to_set)
    if not values and not to_reset:
        raise click.UsageError("nothing to change: give --set KEY=VALUE or --delete KEY")
    cluster = chosen.cluster()
    cluster.partitions_of(topic)
    alter_settings(
        cluster, ResourceKind.TOPIC, topic, to_set=values, to_reset=to_reset, validate_only=dry_run
    )
    chosen.note(f"{'could change' if dry_run else 'changed'} topic {topic}")


@command.command("partitions")
@click.argument("topic")
@click.argument("total", type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Only check that the broker would accept it.")
def partitions_command(topic: str, total: int, dry_run: bool) -> None:
    """Grow a topic to TOTAL partitions; from then on keys may go to other partitions."""
    from flowlog.client.topics import add_partitions

    chosen = options.current()
    add_partitions(chosen.cluster(), topic, total_count=total, validate_only=dry_run)
    chosen.note(f"topic {topic} {'could have' if dry_run else 'has'} {plural(total, 'partition')}")


@command.command("delete")
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_command(topics: tuple[str, ...], yes: bool) -> None:
    """Delete topics and all their records; asks to type each name."""
    from flowlog.client.topics import delete_topic

    chosen = options.current()
    cluster = chosen.cluster()
    for topic in topics:
        cluster.partitions_of(topic)
        if not yes:
            confirm(topic, f"deleting topic {topic} cannot be undone")
        delete_topic(cluster, topic)
        chosen.note(f"deleted topic {topic}")


@command.command("trim")
@click.argument("topic")
@click.option(
    "--before", "position", required=True, metavar="POSITION", help="end, @TIME, an offset, or -N."
)
@click.option(
    "-p", "--partition", "numbers", type=int, multiple=True, help="Only these partitions."
)
@click.option("--execute", is_flag=True, help="Do it; without this only the plan is shown.")
def trim_command(topic: str, position: str, numbers: tuple[int, ...], execute: bool) -> None:
    """Drop a topic's records before a position; shows the plan unless --execute is given."""
    from flowlog.client.offsets import offset_ranges, partitions_of
    from flowlog.client.positions import parse_position, resolve
    from flowlog.client.topics import delete_records
    from flowlog.clock import SystemClock

    chosen = options.current()
    cluster = chosen.cluster()
    wanted = [p for p in partitions_of(cluster, topic) if not numbers or p.number in numbers]
    before = resolve(cluster, parse_position(position, now_ms=SystemClock().now_ms()), wanted)
    ranges = offset_ranges(cluster, wanted)
    if execute:
        after = delete_records(cluster, before)
    else:
        after = {p: max(before[p], ranges[p].start) for p in wanted}
    rows = [
        {
            "topic": p.topic,
            "partition": p.number,
            "start_offset": ranges[p].start,
            "new_start_offset": after[p],
        }
        for p in wanted
    ]
    emit(chosen, MOVE_COLUMNS, rows)
    if not execute:
        chosen.note("nothing was changed; add --execute to drop these records")
