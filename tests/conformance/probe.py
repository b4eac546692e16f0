"""`Probe`: what a case uses to ask one broker; and the cases themselves, collected by `case`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from flowlog.broker.wire import messages
from tests.conformance.answers import Answer, flatten
from tests.conformance.connection import API_VERSIONS, ClosedError, RawConnection

LIST_OFFSETS: Final = 2
METADATA: Final = 3
CREATE_TOPICS: Final = 19
SETTLE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Case:
    """A small story about one API, told once for each version that both brokers serve."""

    api_key: int
    name: str
    tell: Callable[[Probe], None]
    since: int
    until: int
    needs: int


CASES: list[Case] = []


def case(
    api_key: int, *, since: int = 0, until: int = 99, needs: int = API_VERSIONS
) -> Callable[[Callable[[Probe], None]], Callable[[Probe], None]]:
    """Collect a function as a case of the API, for versions `since` to `until` inclusive.

    `needs` is another API that must be served for it.
    """

    def collect(tell: Callable[[Probe], None]) -> Callable[[Probe], None]:
        CASES.append(Case(api_key, tell.__name__, tell, since, until, needs))
        return tell

    return collect


class Probe:
    """One broker as a case sees it: `ask` is compared, `call` only prepares."""

    def __init__(self, connection: RawConnection, api_key: int, version: int, scope: str) -> None:
        self.version = version
        self.answers: list[Answer] = []
        self._connection = connection
        self._api_key = api_key
        self._scope = scope
        self._numbers = itertools.count(1)
        self._words: dict[str, str] = {}

    def name(self, word: str) -> str:
        """A name of this run and case, which answers show as `word`."""
        name = f"{self._scope}-{word}"
        self._words[name] = f"<{word}>"
        return name

    def call_me(self, own: str, word: str) -> str:
        """Show a text of this broker's as `word` from now on; returns it."""
        self._words[own] = f"<{word}>"
        return own

    def keep(self, answer: Any) -> None:
        """Compare an answer that `call` brought."""
        self.answers.append(flatten(answer, self._words))

    def ask(self, request: Any, *, api_key: int | None = None, version: int | None = None) -> Any:
        """Send the request and keep its answer for the comparison; None when there was none."""
        try:
            answer = self.call(
                self._api_key if api_key is None else api_key,
                self.version if version is None else version,
                request,
            )
        except ClosedError as reason:
            self.answers.append(_unanswered(reason))
            return None
        self.keep(answer)
        return answer

    def ask_bytes(self, frame: bytes) -> None:
        """Send a frame made by hand; what is kept is the answer's bytes behind its correlation id."""
        try:
            answer = self._connection.exchange(frame)
        except ClosedError as reason:
            self.answers.append(_unanswered(reason))
        else:
            self.answers.append({"answer": answer[4:].hex()})

    def ask_until(self, request: Any, done: Callable[[Any], bool], **how: int) -> Any:
        """As `ask`, again until `done` or for some seconds; only the last answer is kept."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            answer = self.ask(request, **how)
            if answer is None or done(answer) or time.monotonic() > deadline:
                return answer
            self.answers.pop()
            time.sleep(0.05)

    def call(self, api_key: int, version: int, request: Any) -> Any:
        """Send a request whose answer is not compared.

        Raises:
            ClosedError: there was none.
        """
        return self._connection.call(api_key, version, request)

    def call_until(
        self, api_key: int, version: int, request: Any, done: Callable[[Any], bool]
    ) -> Any:
        """As `call`, again until `done` or for some seconds; the last answer."""
        deadline = time.monotonic() + SETTLE_S
        while not done(answer := self.call(api_key, version, request)):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return answer

    def topic(
        self, word: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> str:
        """Make a topic and wait until it is led; its name."""
        m = messages.create_topics
        name = self.name(word)
        self.call(
            CREATE_TOPICS,
            7,
            m.CreateTopicsRequest(
                topics=(
                    m.CreatableTopic(
                        name=name,
                        num_partitions=partitions,
                        replication_factor=1,
                        configs=tuple(
                            m.CreatableTopicConfig(name=key, value=value)
                            for key, value in (configs or {}).items()
                        ),
                    ),
                ),
                timeout_ms=10_000,
            ),
        )
        self.topic_id(name)
        self._wait_until_led(name, partitions)
        return name

    def _wait_until_led(self, name: str, partitions: int) -> None:
        """Apache Kafka shows leaders before they lead."""
        m = messages.list_offsets
        rows = tuple(
            m.ListOffsetsPartition(partition_index=index, timestamp=-1)
            for index in range(partitions)
        )
        wanted = m.ListOffsetsTopic(name=name, partitions=rows)
        request = m.ListOffsetsRequest(replica_id=-1, topics=(wanted,))
        deadline = time.monotonic() + SETTLE_S
        while any(
            row.error_code for row in self.call(LIST_OFFSETS, 1, request).topics[0].partitions
        ):
            assert time.monotonic() < deadline, f"{name} is not led"
            time.sleep(0.02)

    def topic_id(self, name: str) -> UUID:
        """The id of a topic, once every partition of it is led."""
        m = messages.metadata
        request = m.MetadataRequest(
            topics=(m.MetadataRequestTopic(name=name),), allow_auto_topic_creation=False
        )
        deadline = time.monotonic() + SETTLE_S
        while True:
            (row,) = self.call(METADATA, 12, request).topics
            if row.partitions and all(p.leader_id >= 0 for p in row.partitions):
                found: UUID = row.topic_id
                self._words[str(found)] = f"<id of {self._words.get(name, name)}>"
                return found
            assert time.monotonic() < deadline, f"{name} has no leaders: {row}"
            time.sleep(0.05)


def _unanswered(reason: ClosedError) -> Answer:
    return {"connection": "closed" if "clos" in str(reason) else "no answer"}


def new_scope() -> str:
    """The first part of all names of one run."""
    return f"cmp{uuid4().hex[:8]}"
