"""The message classes by name: `messages.metadata.MetadataResponseTopic(name="a")`.

The first name is the API or data message in kio's spelling (`list_offsets`,
`consumer_protocol_subscription`), the second one of its classes. Nothing is built or imported
before a class is first touched. Where request and response use one name for different structs
(Vote's `TopicData`), say which: `messages.vote.request.TopicData`.
"""

from __future__ import annotations

from typing import Any

from kio.schema.index import api_key_map, schema_name_map

from flowlog.broker.wire.classes import message_class, message_classes
from flowlog.broker.wire.schema import Direction, directions


class ClassesOf:
    """The classes of one direction of a message, as attributes."""

    def __init__(self, name: str, direction: Direction) -> None:
        self._name = name
        self._direction: Direction = direction

    def __getattr__(self, class_name: str) -> Any:
        found = message_classes(self._name, self._direction).get(class_name)
        if found is None:
            raise AttributeError(f"{self._name} has no {self._direction} class {class_name!r}")
        setattr(self, class_name, found)
        return found


class Message:
    """Every class of one API or data message, as attributes; see the module's words."""

    def __init__(self, name: str) -> None:
        self._name = name
        for direction in directions(name):
            setattr(self, direction, ClassesOf(name, direction))

    def __getattr__(self, class_name: str) -> Any:
        found = [
            classes[class_name]
            for direction in directions(self._name)
            if class_name in (classes := message_classes(self._name, direction))
        ]
        if not found:
            raise AttributeError(f"{self._name} has no message class {class_name!r}")
        if len(found) > 1:
            raise AttributeError(f"both directions of {self._name} have {class_name}: say which")
        setattr(self, class_name, found[0])
        return found[0]


def request_class(api_key: int) -> type[Any]:
    """The request class of an API; raises `KeyError` when kio does not know the API."""
    return message_class(api_key_map[api_key], "request")


def response_class(api_key: int) -> type[Any]:
    """The response class of an API; raises `KeyError` when kio does not know the API."""
    return message_class(api_key_map[api_key], "response")


def __getattr__(name: str) -> Message:
    if name not in schema_name_map or not directions(name):
        raise AttributeError(f"kio knows no message {name!r}")
    message = globals()[name] = Message(name)
    return message
