"""DescribeClientQuotas and AlterClientQuotas."""

from __future__ import annotations

from typing import Any

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

DESCRIBE, ALTER = 48, 49
EXACT, DEFAULT, ANY = 0, 1, 2
DONE = 12345.5

Entity = dict[str, str | None]


def describe(*components: tuple[str, int, str | None], strict: bool = False) -> Any:
    m = messages.describe_client_quotas
    return m.DescribeClientQuotasRequest(
        components=tuple(
            m.ComponentData(entity_type=kind, match_type=how, match=match)
            for kind, how, match in components
        ),
        strict=strict,
    )


def alter(entity: Entity, validate: bool = False, **values: float | None) -> Any:
    m = messages.alter_client_quotas.request
    return m.AlterClientQuotasRequest(
        entries=(
            m.EntryData(
                entity=tuple(
                    m.EntityData(entity_type=kind, entity_name=name)
                    for kind, name in entity.items()
                ),
                ops=tuple(
                    m.OpData(key=key, value=0.0 if value is None else value, remove=value is None)
                    for key, value in values.items()
                ),
            ),
        ),
        validate_only=validate,
    )


def _written(answer: Any) -> bool:
    return bool(answer.entries) and any(
        value.value == DONE for entry in answer.entries for value in entry.values
    )


@case(ALTER)
def quotas_are_kept(probe: Probe) -> None:
    user, client = probe.name("user"), probe.name("client")
    probe.ask(alter({"user": user}, producer_byte_rate=1000.0))
    probe.ask(alter({"user": user, "client-id": client}, consumer_byte_rate=2000.0))
    probe.ask(alter({"client-id": client}, request_percentage=50.0))
    probe.ask(alter({"user": user, "client-id": None}, controller_mutation_rate=DONE))
    for request in (
        describe(("user", EXACT, user)),
        describe(("user", EXACT, user), strict=True),
        describe(("user", EXACT, user), ("client-id", EXACT, client)),
        describe(("user", EXACT, user), ("client-id", DEFAULT, None), strict=True),
        describe(("user", EXACT, user), ("client-id", ANY, None), strict=True),
        describe(("client-id", EXACT, client), strict=True),
        describe(("user", EXACT, probe.name("nobody"))),
    ):
        probe.ask(request, api_key=DESCRIBE, version=1)
    probe.ask(alter({"user": user}, producer_byte_rate=None))
    probe.ask(alter({"user": user}, producer_byte_rate=None))
    probe.ask(describe(("user", EXACT, user), strict=True), api_key=DESCRIBE, version=1)


@case(ALTER)
def quotas_that_are_refused(probe: Probe) -> None:
    user = {"user": probe.name("user")}
    probe.ask(alter(user, no_such_key=1.0))
    probe.ask(alter(user, producer_byte_rate=-1.0))
    probe.ask(alter(user, producer_byte_rate=0.0))
    probe.ask(alter(user, producer_byte_rate=1.5))
    probe.ask(alter(user, request_percentage=-1.0))
    probe.ask(alter(user, connection_creation_rate=5.0))
    probe.ask(alter({}, producer_byte_rate=1.0))
    probe.ask(alter({"planet": "earth"}, producer_byte_rate=1.0))
    probe.ask(alter({"user": ""}, producer_byte_rate=1.0))
    probe.ask(alter({"ip": "1.2.3.4"}, producer_byte_rate=1.0))
    probe.ask(alter({"ip": "not an address"}, connection_creation_rate=1.0))
    probe.ask(alter({"ip": "127.0.0.9", **user}, connection_creation_rate=1.0))
    probe.ask(alter({"ip": "127.0.0.9"}, True, connection_creation_rate=1.5))
    probe.ask(alter({"ip": "127.0.0.9"}, True, connection_creation_rate=1.0))
    probe.ask(alter({"ip": None}, True, connection_creation_rate=1.0))


@case(ALTER)
def one_entity_twice(probe: Probe) -> None:
    request = alter({"user": probe.name("user")}, True, producer_byte_rate=1.0)
    request.entries = request.entries * 2
    probe.ask(request)


@case(DESCRIBE)
def filters_that_are_refused(probe: Probe) -> None:
    user = probe.name("user")
    probe.ask(describe(("user", EXACT, user)))
    probe.ask(describe(("user", EXACT, None)))
    probe.ask(describe(("user", DEFAULT, user)))
    probe.ask(describe(("user", ANY, user)))
    probe.ask(describe(("user", 9, user)))
    probe.ask(describe(("planet", EXACT, user)))
    probe.ask(describe(("", EXACT, user)))
    probe.ask(describe(("user", EXACT, user), ("user", DEFAULT, None)))
    probe.ask(describe(("user", EXACT, user), ("ip", EXACT, "1.2.3.4")))
    probe.ask(describe(("ip", EXACT, "1.2.3.4")))
