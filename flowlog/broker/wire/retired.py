"""Which old versions must be looked at to know every field an API ever had.

A message class holds the fields of all versions. The newest version brings most of them; the
versions below bring those that it dropped (a topic's name where it now has an id, one group
where it now has many). A test recomputes the table from kio, so that an upgrade cannot make it
stale. The names are kio's: API, direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RETIRED_FIELD_VERSIONS: Final[Mapping[tuple[str, str], tuple[int, ...]]] = {
    ("add_partitions_to_txn", "request"): (3,),
    ("add_partitions_to_txn", "response"): (3,),
    ("alter_partition", "request"): (2,),
    ("delete_topics", "request"): (5,),
    ("end_quorum_epoch", "request"): (0,),
    ("fetch", "request"): (12,),
    ("fetch", "response"): (12,),
    ("find_coordinator", "request"): (3,),
    ("find_coordinator", "response"): (3,),
    ("leave_group", "request"): (2,),
    ("metadata", "request"): (10,),
    ("metadata", "response"): (10,),
    ("offset_commit", "request"): (4,),
    ("offset_commit", "response"): (9,),
    ("offset_fetch", "request"): (9, 7),
    ("offset_fetch", "response"): (9, 7),
    ("produce", "request"): (12,),
    ("produce", "response"): (12,),
    ("update_features", "request"): (0,),
    ("update_features", "response"): (1,),
}
