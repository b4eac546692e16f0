"""Fuses steps into one function over a batch: a loop with the steps' calls in its body.

The source text is our own template; of the user there is nothing in it but calls of functions that
are passed in as parameters. A value is decoded only if a step reads it, and bytes that nobody
changed are passed through as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from flowlog.streams.errors import TopologyError
from flowlog.streams.records import UNSET, Rec, Tombstone
from flowlog.streams.serdes.basic import BYTES, STR
from flowlog.streams.serdes.resolve import serde_for
from flowlog.streams.serdes.serde import Serde

from .code_writer import CodeWriter, Cursor
from .functions import Form
from .marks import HEADER, pack_position
from .nodes import (
    FoldNode,
    KeyNode,
    MapNode,
    Node,
    SinkNode,
    SourceNode,
    StoreNode,
    TableSourceNode,
)
from .rekeying import leads_to_state
from .segment import Segment
from .topics import Topic

Repartitions = Mapping[Node, Topic[Any, Any]]
"""Steps after which records go through a repartition topic before they reach state."""

_GLOBALS: Final = {
    "Rec": Rec,
    "Tombstone": Tombstone,
    "UNSET": UNSET,
    "HEADER": HEADER,
    "pack_position": pack_position,
}


class Fuser(CodeWriter):
    """Writes the code of one segment."""

    def __init__(self, name: str, repartitions: Repartitions) -> None:
        super().__init__(name, _GLOBALS)
        self._repartitions = repartitions
        self._offset = "message.offset()"

    def fuse_source(
        self, source: SourceNode | TableSourceNode, *, is_repartition: bool = False
    ) -> Segment:
        """`run(messages, stream_time, source_id) -> stream_time` over messages of one partition."""
        topic = source.topic
        self._step = source
        self._open("def run(messages, stream_time, source_id):")
        self._open("for message in messages:")
        self._open("try:")
        cursor = Cursor(
            None, "raw", topic.value_serde, "key", topic.key_serde, "time", "headers", "message"
        )
        self._line("raw = message.value()")
        self._line("key = message.key()")
        if isinstance(source, TableSourceNode):
            self._source_time(cursor)
            append = self._stage(source)
            self._line(f"{append}((key, raw, time, message, stream_time))")
        else:
            self._open("if raw is None:")
            self._line("dropped(message)")
            self._line("continue")
            self._close()
            if topic.timestamp_of is not None or self._reads_value(source, topic.value_serde):
                cursor = self._decode(cursor)
            self._source_time(cursor, self._timestamp_function(topic))
            headers = "message.headers()"
            self._line(f"headers = {headers}[:-1]" if is_repartition else f"headers = {headers}")
            self._line("index = 0")
            self._children(source, cursor)
        self._end_of_record("message")
        return self._finish()

    def fuse_updates(self, table: StoreNode) -> Segment:
        """`run(updates, stream_time, source_id) -> stream_time` over what a table hands on."""
        self._step = table
        is_close = isinstance(table, FoldNode) and table.emits_on_close
        self._open("def run(updates, stream_time, source_id):")
        self._line("message = None")
        self._line("headers = None")
        self._line("window = None")
        self._line("row = 0")
        self._open("for key, value, time, raw in updates:")
        self._open("try:")
        if is_close:  # marks: the window, then the row in it
            self._line("row = row + 1 if key[-8:] == window else 0")
            self._line("window = key[-8:]")
            self._line("index = row << 20")
            self._offset = "int.from_bytes(window, 'big')"
        else:
            self._offset = ""
        decoded = None if isinstance(table, TableSourceNode) else "value"
        raw = None if is_close else "raw"
        cursor = Cursor(
            decoded,
            raw,
            table.value_serde,
            "key",
            table.key_serde,
            "time",
            "headers",
            "message",
            may_delete=not is_close,
        )
        if decoded is None and self._reads_value(table, table.value_serde):
            name = self._name_for("value")
            self._constants["decode_update"] = _known(table.value_serde, table).decode
            self._line(f"{name} = Tombstone if value is Tombstone else decode_update(raw)")
            cursor = replace(cursor, value=name)
        self._children(table, cursor)
        self._end_of_record("message")
        return self._finish()

    def fuse_results(self, node: MapNode, *, has_messages: bool) -> Segment:
        """`run(rows, stream_time, source_id) -> stream_time` over an async step's results."""
        self._step = node
        self._offset = self._offset if has_messages else ""
        self._open("def run(rows, stream_time, source_id):")
        self._open("for key, value, time, message, stream_time, headers in rows:")
        self._open("try:")
        self._line("index = 0")
        cursor = Cursor(
            "value", None, None, "key", node.input_key_serde, "time", "headers", "message"
        )
        self._after_map(node, cursor)
        self._end_of_record("message")
        return self._finish()

    # Steps

    def _children(self, node: Node, cursor: Cursor) -> None:
        topic = self._repartitions.get(node)
        if topic is not None:
            self._repartition(node, topic, cursor)
        for child in node.children:
            if topic is not None and leads_to_state(child):
                continue  # it reads the repartition topic
            self._child(child, cursor)

    def _child(self, child: Node, cursor: Cursor) -> None:
        before, self._step = self._step, child
        match child:
            case SinkNode():
                self._sink(child.topic, cursor)
            case FoldNode():
                self._fold(child, cursor)
            case KeyNode():
                self._rekey(child, cursor)
            case MapNode():
                self._map(child, cursor)
            case _:
                raise AssertionError(f"{child} is no step after another")
        self._step = before

    def _map(self, node: MapNode, cursor: Cursor) -> None:
        outside = self._indent
        cursor = self._value_only(cursor)
        self._call(node, cursor)
        self._indent = outside

    def _call(self, node: MapNode, cursor: Cursor) -> None:
        if node.function.form is Form.COROUTINE:
            append = self._stage(node)
            self._line(
                f"{append}(({cursor.key}, {cursor.value}, {cursor.time}, {cursor.message},"
                f" stream_time, {cursor.headers}))"
            )
            return
        function = self._constant("function", node.function.call)
        arguments = str(cursor.value)
        if node.function.takes_context:
            context = self._name_for("context")
            self._contexts[context] = cursor.key_serde or STR
            self._line(f"{context}.bind({cursor.message}, {cursor.key}, {cursor.time})")
            arguments += f", {context}"
        result = self._name_for("value")
        depth = self._indent
        if node.function.form is Form.GENERATOR:
            self._open(f"for {result} in {function}({arguments}):")
        else:
            self._line(f"{result} = {function}({arguments})")
        self._after_map(node, replace(cursor, value=result))
        self._indent = depth

    def _after_map(self, node: MapNode, cursor: Cursor) -> None:
        depth = self._indent
        serde = node.value_serde
        cursor = replace(cursor, raw=None, serde=serde, may_delete=True)
        if node.children:
            self._open(f"if {cursor.value} is not None:")
            if node.function.may_give_rec:
                cursor = self._unpack_rec(node, cursor)
            self._children(node, cursor)
        self._indent = depth

    def _unpack_rec(self, node: MapNode, cursor: Cursor) -> Cursor:
        key, time, headers = (self._name_for(part) for part in ("key", "time", "headers"))
        value = cursor.value
        self._open(f"if type({value}) is Rec:")
        self._line(f"rec = {value}")
        self._line(f"{value} = rec.value")
        self._line(f"{time} = {cursor.time} if rec.timestamp_ms is None else rec.timestamp_ms")
        self._line(f"{headers} = {cursor.headers} if rec.headers is None else list(rec.headers)")
        self._line(f"{key} = rec.key")
        self._open(f"if {key} is UNSET:")
        self._line(f"{key} = {cursor.key}")
        self._close()
        self._open(f"elif {key} is not None:")
        encode = self._constant("encode", self._rec_key_encoder(node))
        self._line(f"{key} = {encode}({key})")
        self._close()
        self._close()
        self._open("else:")
        self._line(f"{key}, {time}, {headers} = {cursor.key}, {cursor.time}, {cursor.headers}")
        self._close()
        return replace(cursor, key=key, time=time, headers=headers, key_serde=node.key_serde)

    def _rec_key_encoder(self, node: MapNode) -> Any:
        if node.function.key_type is not UNSET:
            return serde_for(node.function.key_type).encode
        name = node.name

        def refuse(_key: Any) -> bytes:
            raise TypeError(f"{name} sets keys: annotate it with -> fl.Rec[K, V]")

        return refuse

    def _rekey(self, node: KeyNode, cursor: Cursor) -> None:
        outside = self._indent
        cursor = self._value_only(cursor)
        key = self._name_for("key")
        function = self._constant("key_of", node.key_of)
        encode = self._constant("encode", _known(node.key_serde, node).encode)
        self._line(f"{key} = {function}({cursor.value})")
        self._open(f"if {key} is not None:")
        self._line(f"{key} = {encode}({key})")
        self._children(node, replace(cursor, key=key, key_serde=node.key_serde))
        self._indent = outside

    def _fold(self, node: FoldNode, cursor: Cursor) -> None:
        outside = self._indent
        value = "None"
        if cursor.may_delete or not node.is_count:
            cursor = self._value_only(cursor)
            value = str(cursor.value)
        append = self._stage(node)
        self._line(
            f"{append}(({cursor.key}, {value}, {cursor.time}, {cursor.message}, stream_time))"
        )
        self._indent = outside

    def _sink(self, topic: Topic[Any, Any], cursor: Cursor) -> None:
        append = self._append_to(topic)
        value = self._encoded(cursor, topic.value_serde)
        self._line(f"{append}(({cursor.key}, {value}, {cursor.time}, {cursor.headers}))")

    def _repartition(self, node: Node, topic: Topic[Any, Any], cursor: Cursor) -> None:
        append = self._append_to(topic)
        outside = self._indent
        if cursor.may_delete:
            cursor = self._value_only(cursor)
        value = self._encoded(cursor, topic.value_serde)
        headers = cursor.headers
        if self._offset:
            headers = self._name_for("headers")
            mark = f"(HEADER, source_id + pack_position({self._offset}, index))"
            self._line(f"{headers} = [*{cursor.headers}, {mark}] if {cursor.headers} else [{mark}]")
            self._line("index += 1")
        self._line(f"{append}(({cursor.key}, {value}, {cursor.time}, {headers}))")
        self._indent = outside

    # Values

    def _reads_value(self, node: Node, serde: Serde[Any] | None) -> bool:
        """Whether a step that follows needs the value decoded."""
        topic = self._repartitions.get(node)
        if topic is not None and topic.value_serde != serde:
            return True
        for child in node.children:
            if topic is not None and leads_to_state(child):
                continue
            if isinstance(child, SinkNode):
                if child.topic.value_serde != serde:
                    return True
            elif not (isinstance(child, FoldNode) and child.is_count):
                return True
        return False

    def _decode(self, cursor: Cursor) -> Cursor:
        if cursor.value is not None:
            return cursor
        assert cursor.raw is not None, "a value is decoded, or its bytes are at hand"
        assert cursor.serde is not None, "bytes come with their serde"
        name = self._name_for("value")
        if cursor.serde == BYTES:
            self._line(f"{name} = {cursor.raw}")
        else:
            decode = self._constant("decode", cursor.serde.decode)
            self._line(f"{name} = {decode}({cursor.raw})")
        return replace(cursor, value=name)

    def _value_only(self, cursor: Cursor) -> Cursor:
        """Decode the value; if it may be a tombstone, open a block for the case that it is none."""
        cursor = self._decode(cursor)
        if not cursor.may_delete:
            return cursor
        self._open(f"if {cursor.value} is not Tombstone:")
        return replace(cursor, may_delete=False)

    def _encoded(self, cursor: Cursor, serde: Serde[Any]) -> str:
        """The expression of the value's bytes; None for a tombstone."""
        if cursor.raw is not None and cursor.serde == serde:
            return cursor.raw
        cursor = self._decode(cursor)
        encode = self._constant("encode", serde.encode)
        encoded = f"{encode}({cursor.value})"
        return (
            f"None if {cursor.value} is Tombstone else {encoded}" if cursor.may_delete else encoded
        )

    def _timestamp_function(self, topic: Topic[Any, Any]) -> str | None:
        if topic.timestamp_of is None:
            return None
        return self._constant("timestamp_of", topic.timestamp_of)

    def _source_time(self, cursor: Cursor, timestamp_of: str | None = None) -> None:
        if timestamp_of is None:
            self._line("time = message.timestamp()[1]")
        else:
            self._line(f"time = {timestamp_of}({cursor.value})")
        self._open("if time > stream_time:")
        self._line("stream_time = time")
        self._close()


def _known(serde: Serde[Any] | None, node: Node) -> Serde[Any]:
    if serde is None:
        raise TopologyError(
            f"the type of {node.name} is not known",
            code="TYPE_UNKNOWN",
            hint="annotate its function's result, or pass key=",
        )
    return serde
