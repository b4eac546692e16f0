"""Topics that come, change and go while the broker dies: what was answered must stay so."""

from __future__ import annotations

import random
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import confluent_kafka as ck
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from tests.e2e.kill.history import History, TopicFacts
from tests.e2e.kill.load import client_settings

_REQUEST_S = 5.0
_KEPT_TOPICS = 15
CONFIG = "retention.ms"


class UncertainError(Exception):
    """The broker died before it answered: the request may have been carried out or not."""


class SideTopics:
    """Creates, alters and deletes topics one after the other."""

    def __init__(self, bootstrap: str, history: History, seed: int) -> None:
        self._history = history
        self._rng = random.Random(seed)
        self._next = 0
        self._pause = threading.Event()
        self._admin = AdminClient(client_settings(bootstrap))

    def step(self) -> None:
        self._pause.wait(0.02)
        act = self._rng.choice([self._create, self._alter, self._delete])
        if len(self._own()) < 3:
            act = self._create
        elif len(self._own()) > _KEPT_TOPICS:
            act = self._delete
        try:
            act()
        except UncertainError:
            return

    def finish(self) -> None:
        """Nothing to close: the admin client ends with the object."""

    def _create(self) -> None:
        name = f"side-{self._next}"
        self._next += 1
        facts = TopicFacts(None, self._rng.randint(1, 3), {CONFIG: self._some_retention()})
        new = NewTopic(name, facts.partition_count, 1, config=facts.configs)
        _answer(self._admin.create_topics([new], request_timeout=_REQUEST_S)[name])
        self._history.topics[name] = facts
        facts.topic_id = topic_id(self._admin, name)

    def _alter(self) -> None:
        name = self._rng.choice(self._own())
        facts, value = self._history.topics[name], self._some_retention()
        entry = ConfigEntry(CONFIG, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=[entry])
        facts.configs.pop(CONFIG, None)  # Until it is answered, either value may be there.
        answers = self._admin.incremental_alter_configs([resource], request_timeout=_REQUEST_S)
        _answer(answers[resource])
        facts.configs[CONFIG] = value

    def _delete(self) -> None:
        name = self._rng.choice(self._own())
        del self._history.topics[name]  # Until it is answered, it may be there or not.
        _answer(self._admin.delete_topics([name], request_timeout=_REQUEST_S)[name])
        self._history.deleted_topics.add(name)

    def _own(self) -> list[str]:
        """The topics that are surely there, without the one that the load is on."""
        return sorted(name for name in self._history.topics if name.startswith("side-"))

    def _some_retention(self) -> str:
        return str(self._rng.randint(10**8, 10**9))


def topic_id(admin: AdminClient, name: str) -> str:
    """The id of an existing topic, as text. Raises `UncertainError` without an answer."""
    names = ck.TopicCollection([name])
    return str(_answer(admin.describe_topics(names, request_timeout=_REQUEST_S)[name]).topic_id)


def topic_facts(admin: AdminClient, name: str, partition_count: int) -> TopicFacts:
    """All that is told of a topic now; raises `UncertainError` without an answer."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    answers = admin.describe_configs([resource], request_timeout=_REQUEST_S)
    entries = _answer(answers[resource])
    return TopicFacts(topic_id(admin, name), partition_count, {CONFIG: str(entries[CONFIG].value)})


def _answer(future: Future[Any]) -> Any:
    try:
        return future.result(2 * _REQUEST_S)
    except (ck.KafkaException, FutureTimeoutError) as error:
        raise UncertainError(str(error)) from error
