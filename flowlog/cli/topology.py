"""`flowlog topology`: an app's graph, without connecting anywhere."""

from __future__ import annotations

import json
import sys

import click

from .apps import load_app
from .commands import LocalCommand
from .graph_text import as_dot, as_mermaid, as_text


class TopologyCommand(LocalCommand):
    """Has forms of its own instead of tables."""

    prints = False


@click.command("topology", cls=TopologyCommand)
@click.argument("app")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "mermaid", "dot"]),
    default="text",
    show_default=True,
    help="mermaid is for Markdown, dot for Graphviz.",
)
def command(app: str, output: str) -> None:
    """Show an app's graph without connecting anywhere."""
    document = load_app(app).topology().describe()
    match output:
        case "json":
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        case "mermaid":
            text = as_mermaid(document)
        case "dot":
            text = as_dot(document)
        case _:
            text = as_text(document)
    sys.stdout.write(text)
