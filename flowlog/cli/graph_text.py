"""An app's graph as text, Mermaid or Graphviz, from what `Topology.describe()` returns.

The document: `app`, `sub_topologies` (each with `number`, `sources`, `sinks`, and `steps` of
`name`, `kind`, `inputs`, `writes`, `store`), `internal_topics` and `stores`. An input is the name
of a step before it in the same part, or of a source topic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


def as_text(document: Document) -> str:
    """Indented lines: per part what it reads, a line for each step, what it writes; the stores."""
    lines = [f"app {document['app']}"]
    for part in document["sub_topologies"]:
        lines += ["", f"sub-topology {part['number']}"]
        lines += [f"  reads   {topic}" for topic in part["sources"]]
        lines += _step_lines(part["steps"])
        lines += [f"  writes  {topic}" for topic in part["sinks"]]
    if document["stores"]:
        lines += ["", "stores"]
        lines += [
            f"  {store['name']}  {store['kind']}  changelog {store['changelog']}"
            for store in document["stores"]
        ]
    return "\n".join(lines) + "\n"


def _step_lines(steps: list[Document]) -> Iterator[str]:
    names = max((len(step["name"]) for step in steps), default=0)
    kinds = max((len(step["kind"]) for step in steps), default=0)
    for step in steps:
        facts = [f"from {', '.join(step['inputs'])}"]
        if step["writes"]:
            facts.append(f"to {', '.join(step['writes'])}")
        if step["store"]:
            facts.append(f"keeps {step['store']}")
        yield f"  step    {step['name']:<{names}}  {step['kind']:<{kinds}}  {'  '.join(facts)}"


@dataclass(frozen=True, slots=True)
class _Arrow:
    """From one identifier to another; to a store no records flow, it is kept."""

    start: str
    end: str
    flows: bool = True


class _Drawing:
    """Identifiers and arrows: names may hold what a drawing language takes for its own."""

    def __init__(self, document: Document) -> None:
        self.parts = document["sub_topologies"]
        self._steps = _numbered(
            "n", ((p["number"], s["name"]) for p in self.parts for s in p["steps"])
        )
        self.topics = _numbered("t", (t for p in self.parts for t in [*p["sources"], *p["sinks"]]))
        self.stores = _numbered(
            "s", (s["store"] for p in self.parts for s in p["steps"] if s["store"])
        )

    def step(self, part: Document, name: str) -> str:
        """The identifier of a step."""
        return self._steps[part["number"], name]

    def arrows(self) -> Iterator[_Arrow]:
        """All of them, in the order of the graph."""
        for part in self.parts:
            for step in part["steps"]:
                me = self.step(part, step["name"])
                for name in step["inputs"]:
                    yield _Arrow(self._input(part, name), me)
                for topic in step["writes"]:
                    yield _Arrow(me, self.topics[topic])
                if step["store"]:
                    yield _Arrow(me, self.stores[step["store"]], flows=False)

    def _input(self, part: Document, name: str) -> str:
        return self._steps.get((part["number"], name)) or self.topics[name]


def _numbered(letter: str, names: Iterator[Any]) -> dict[Any, str]:
    return {name: f"{letter}{number}" for number, name in enumerate(dict.fromkeys(names))}


def as_mermaid(document: Document) -> str:
    """A flowchart for Markdown: topics as cylinders, stores as hexagons."""
    drawing = _Drawing(document)
    lines = ["flowchart LR"]
    lines += [f"  {i}[({_mermaid(topic)})]" for topic, i in drawing.topics.items()]
    for part in drawing.parts:
        lines.append(f'  subgraph p{part["number"]}["sub-topology {part["number"]}"]')
        for step in part["steps"]:
            lines.append(f"    {drawing.step(part, step['name'])}[{_mermaid(step['name'])}]")
            if step["store"]:
                lines.append(
                    f"    {drawing.stores[step['store']]}{{{{{_mermaid(step['store'])}}}}}"
                )
        lines.append("  end")
    lines += [f"  {a.start} {'-->' if a.flows else '-.-'} {a.end}" for a in drawing.arrows()]
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    return '"' + text.replace('"', "#quot;") + '"'


def as_dot(document: Document) -> str:
    """A Graphviz digraph: topics as cylinders, stores as 3-D boxes."""
    drawing = _Drawing(document)
    lines = [f"digraph {_dot(document['app'])} {{", "  rankdir=LR;"]
    lines += [f"  {i} [shape=cylinder, label={_dot(t)}];" for t, i in drawing.topics.items()]
    for part in drawing.parts:
        lines.append(f"  subgraph cluster_{part['number']} {{")
        lines.append(f'    label="sub-topology {part["number"]}";')
        for step in part["steps"]:
            me = drawing.step(part, step["name"])
            lines.append(f"    {me} [shape=box, label={_dot(step['name'])}];")
            if step["store"]:
                store = drawing.stores[step["store"]]
                lines.append(f"    {store} [shape=box3d, label={_dot(step['store'])}];")
        lines.append("  }")
    for arrow in drawing.arrows():
        style = "" if arrow.flows else " [style=dotted, dir=none]"
        lines.append(f"  {arrow.start} -> {arrow.end}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
