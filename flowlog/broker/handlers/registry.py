"""Every API that this broker serves, from its handler modules, and how one request is carried out.

Only what is listed here is advertised by ApiVersions: nothing is advertised that is not served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flowlog.broker.wire import codec

Buffer = bytes | bytearray | memoryview
Body = Sequence[Buffer] | None

MODULES: Final = (
    "produce",
    "fetch",
    "list_offsets",
    "metadata",
    "offset_commit",
    "offset_fetch",
    "find_coordinator",
    "join_group",
    "heartbeat",
    "leave_group",
    "sync_group",
    "describe_groups",
    "list_groups",
    "api_versions",
    "create_topics",
    "delete_topics",
    "delete_records",
    "init_producer_id",
    "offset_for_leader_epoch",
    "add_partitions_to_txn",
    "add_offsets_to_txn",
    "end_txn",
    "write_txn_markers",
    "txn_offset_commit",
    "describe_acls",
    "create_acls",
    "delete_acls",
    "describe_configs",
    "alter_configs",
    "alter_replica_log_dirs",
    "describe_log_dirs",
    "create_partitions",
    "delete_groups",
    "elect_leaders",
    "incremental_alter_configs",
    "alter_partition_reassignments",
    "list_partition_reassignments",
    "offset_delete",
    "describe_client_quotas",
    "alter_client_quotas",
    "describe_user_scram_credentials",
    "describe_quorum",
    "update_features",
    "describe_cluster",
    "unregister_broker",
    "consumer_group_heartbeat",
    "consumer_group_describe",
    "list_config_resources",
    "describe_topic_partitions",
    "describe_producers",
    "describe_transactions",
    "list_transactions",
    "share_group_heartbeat",
    "share_group_describe",
    "share_fetch",
    "share_acknowledge",
    "initialize_share_group_state",
    "read_share_group_state",
    "write_share_group_state",
    "delete_share_group_state",
    "read_share_group_state_summary",
    "describe_share_group_offsets",
    "alter_share_group_offsets",
    "delete_share_group_offsets",
)


@dataclass(frozen=True, slots=True)
class Api:
    """One API: its versions as advertised, and the three steps of answering a request.

    `handle` returns the response, or an awaitable of it when it has to wait. `write` gives the
    body as buffers; None means that the request gets no response (Produce with acks=0).
    """

    key: int
    name: str
    min_version: int
    max_version: int
    min_served_version: int
    read: Callable[[int, Buffer], Any]
    handle: Callable[[Any, Any], Any | Awaitable[Any]]
    write: Callable[[int, Any], Body]


def load_apis() -> dict[int, Api]:
    """The served APIs by key, in the order of their keys."""
    modules = (import_module(f"flowlog.broker.handlers.{name}") for name in MODULES)
    return {api.key: api for api in sorted(map(_api, modules), key=lambda api: api.key)}


def _api(module: ModuleType) -> Api:
    key: int = module.API_KEY
    low, high = module.VERSIONS
    return Api(
        key=key,
        name=module.__name__.rpartition(".")[2],
        min_version=low,
        max_version=high,
        min_served_version=getattr(module, "MIN_SERVED_VERSION", low),
        read=getattr(module, "read_request", partial(codec.read_request, key)),
        handle=module.handle,
        write=getattr(module, "write_response", partial(_write_compiled, key)),
    )


def _write_compiled(key: int, version: int, response: Any) -> Body:
    return (codec.write_response(key, version, response),)
