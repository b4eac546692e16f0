"""An app's graph in each form, frozen to the character."""

from __future__ import annotations

from typing import Any

from flowlog.cli.graph_text import as_dot, as_mermaid, as_text

DOCUMENT: dict[str, Any] = {
    "app": "shop",
    "sub_topologies": [
        {
            "number": 0,
            "sources": ["lines"],
            "steps": [
                {
                    "name": "words",
                    "kind": "flat-map",
                    "inputs": ["lines"],
                    "writes": [],
                    "store": None,
                },
                {
                    "name": "by-word",
                    "kind": "group by",
                    "inputs": ["words"],
                    "writes": ["shop-by-word-repartition"],
                    "store": None,
                },
            ],
            "sinks": ["shop-by-word-repartition"],
            "stores": [],
        },
        {
            "number": 1,
            "sources": ["shop-by-word-repartition"],
            "steps": [
                {
                    "name": 'word "counts"',
                    "kind": "count",
                    "inputs": ["shop-by-word-repartition"],
                    "writes": ["word-totals"],
                    "store": 'word "counts"',
                },
            ],
            "sinks": ["word-totals"],
            "stores": ['word "counts"'],
        },
    ],
    "internal_topics": [],
    "stores": [
        {"name": 'word "counts"', "kind": "key-value", "changelog": "shop-word-counts-changelog"}
    ],
}

TEXT = """\
app shop

sub-topology 0
  reads   lines
  step    words    flat-map  from lines
  step    by-word  group by  from words  to shop-by-word-repartition
  writes  shop-by-word-repartition

sub-topology 1
  reads   shop-by-word-repartition
  step    word "counts"  count  from shop-by-word-repartition  to word-totals  keeps word "counts"
  writes  word-totals

stores
  word "counts"  key-value  changelog shop-word-counts-changelog
"""
MERMAID = """\
flowchart LR
  t0[("lines")]
  t1[("shop-by-word-repartition")]
  t2[("word-totals")]
  subgraph p0["sub-topology 0"]
    n0["words"]
    n1["by-word"]
  end
  subgraph p1["sub-topology 1"]
    n2["word #quot;counts#quot;"]
    s0{{"word #quot;counts#quot;"}}
  end
  t0 --> n0
  n0 --> n1
  n1 --> t1
  t1 --> n2
  n2 --> t2
  n2 -.- s0
"""
DOT = """\
digraph "shop" {
  rankdir=LR;
  t0 [shape=cylinder, label="lines"];
  t1 [shape=cylinder, label="shop-by-word-repartition"];
  t2 [shape=cylinder, label="word-totals"];
  subgraph cluster_0 {
    label="sub-topology 0";
    n0 [shape=box, label="words"];
    n1 [shape=box, label="by-word"];
  }
  subgraph cluster_1 {
    label="sub-topology 1";
    n2 [shape=box, label="word \\"counts\\""];
    s0 [shape=box3d, label="word \\"counts\\""];
  }
  t0 -> n0;
  n0 -> n1;
  n1 -> t1;
  t1 -> n2;
  n2 -> t2;
  n2 -> s0 [style=dotted, dir=none];
}
"""


def test_text() -> None:
    assert as_text(DOCUMENT) == TEXT


def test_mermaid() -> None:
    assert as_mermaid(DOCUMENT) == MERMAID


def test_dot() -> None:
    assert as_dot(DOCUMENT) == DOT


def test_an_app_without_steps_is_still_drawn() -> None:
    empty = {"app": "idle", "sub_topologies": [], "internal_topics": [], "stores": []}
    assert as_text(empty) == "app idle\n"
    assert as_mermaid(empty) == "flowchart LR\n"
    assert as_dot(empty) == 'digraph "idle" {\n  rankdir=LR;\n}\n'
