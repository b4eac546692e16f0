"""Options that several commands of `flowlog bench` take, by the names of Kafka's own tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

topic_option = click.option("--topic", required=True, help="The topic; it must exist.")
partitions_option = click.option(
    "--partitions",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make the topic with N partitions if it does not exist.",
)
interval_option = click.option(
    "--reporting-interval",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    metavar="MS",
    help="How often to say how it goes, on standard error.",
)
warmup_option = click.option(
    "--warmup-records",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="The first N records do not count.",
)


def producer_props(function: Callable[..., Any]) -> Callable[..., Any]:
    """Kafka's name for -X."""
    return click.option(
        "--producer-props",
        "--producer-prop",
        "--consumer-prop",
        "--command-property",
        "props",
        multiple=True,
        metavar="KEY=VALUE",
        help="The same as -X, by the name that Kafka's tools give it.",
    )(function)
