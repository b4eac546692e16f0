"""Where keys change, and whether state follows: what decides about repartition topics."""

from __future__ import annotations

from collections.abc import Sequence

from flowlog.streams.records import UNSET

from .nodes import KeyNode, MapNode, Node, StoreNode


def leads_to_state(node: Node) -> bool:
    """Whether records get from here to a store without being keyed anew in between."""
    if isinstance(node, StoreNode):
        return True
    return not changes_key(node) and any(map(leads_to_state, node.children))


def changes_key(node: Node) -> bool:
    """Whether records may leave the step with another key than they came with."""
    return isinstance(node, KeyNode) or (
        isinstance(node, MapNode) and node.function.key_type is not UNSET
    )


def find_repartitions(nodes: Sequence[Node]) -> list[Node]:
    """The steps after which a repartition topic is needed: the key changed and state follows."""
    return [node for node in nodes if changes_key(node) and any(map(leads_to_state, node.children))]
