"""The differences between flowlog and Apache Kafka that are meant, each with its reason.

A difference is accepted where all three fit: the API, the name of the case (an expression), and
`#number field`, the answer's number in the case and the field's path (an expression). The page
docs/compatibility.md shows the reasons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where answers may differ; `case` and `field` are regular expressions, found anywhere."""

    api_key: int
    case: str
    field: str
    reason: str

    def covers(self, api_key: int, case: str, field: str) -> bool:
        return (
            api_key == self.api_key
            and re.search(self.case, case) is not None
            and re.search(self.field, field) is not None
        )


_UNIT = (
    "A setting that the broker has in several units (hours, minutes, milliseconds) is shown "
    "converted, with the default as a layer; Kafka shows an empty or a converted value and no layer."
)
_FEATURES = "Only features that flowlog has are listed."
_QUORUM = (
    "The metadata's offsets and epoch are this cluster's own; the quorum listens where its clients "
    "come in, there is no listener for controllers."
)
_ERROR_ROWS = (
    "A refused batch is refused whole: its row names the error, not the record inside nor the "
    "log's start."
)
_NO_SHARE_GROUP = (
    "Records are refused to a group that is no share group as an invalid request; Kafka answers with "
    "an unknown server error."
)
_NO_TOPIC_ID = (
    "A topic id that no topic has is named in its row; Kafka answers the whole request with an "
    "unknown server error."
)

ACCEPTED: Final[tuple[Accepted, ...]] = (
    Accepted(
        0,
        "refused|keys_are_needed|sequences",
        r"log_start_offset|record_errors",
        _ERROR_ROWS,
    ),
    Accepted(
        0,
        "sequences",
        "log_append_time_ms",
        "A batch that is already there is answered without its timestamp, which is none of the "
        "broker's where producers set it.",
    ),
    Accepted(
        1,
        "refused",
        "aborted_transactions",
        "The list of aborted transactions of a partition with an error is null instead of empty.",
    ),
    Accepted(
        3,
        "topics_by_id",
        r"#2 ",
        "A topic with neither name nor id is refused as an invalid topic; Kafka answers with an "
        "unknown server error.",
    ),
    Accepted(18, "what_is_served", r"(supported|finalized)_features", _FEATURES),
    Accepted(
        18, "what_is_served", r"api_keys", "Only APIs that are served are listed: see the table."
    ),
    Accepted(
        18,
        "bodies_that",
        "#4 ",
        "Text that is no UTF-8 closes the connection; Kafka reads replacement characters instead.",
    ),
    Accepted(
        19,
        "names_that_collide",
        r"#1 topics\[<c_d>",
        "Names that collide are refused within one request too; Kafka makes both topics.",
    ),
    Accepted(
        26,
        "older_client_comes_after",
        r"#0 ",
        "A producer that was fenced is never taken for one that asks again: Kafka gives it its "
        "successor's epoch, if that one is an older client and has just ended a transaction.",
    ),
    Accepted(
        28,
        "join_a_transaction",
        r"#2 ",
        "The coordinator is asked about every transactional offset commit; Kafka does not ask "
        "where the producer has a transaction open in the offsets' partition.",
    ),
    Accepted(32, "settings", r"log\.retention\.ms", _UNIT),
    Accepted(33, "replaced", r"configs\[retention\.ms\]", _UNIT),
    Accepted(
        32,
        "this_brokers_settings",
        r"node\.id",
        "node.id has a default, 1, which is shown as a layer.",
    ),
    Accepted(44, "set_and_taken_back", r"configs\[(retention|segment)\.ms\]", _UNIT),
    Accepted(
        32,
        "this_brokers_settings",
        r"no\.such\.key",
        "An unknown setting of a broker is refused; Kafka stores and shows it.",
    ),
    Accepted(
        44,
        "edits_that_are_refused",
        r"#10 ",
        "An unknown setting of a broker is refused; Kafka stores and shows it.",
    ),
    Accepted(
        44,
        "edits_that_are_refused",
        r"#4 ",
        "An unknown operation is an invalid request; Kafka answers with an unknown server error.",
    ),
    Accepted(
        44,
        "client_metrics",
        r"#2 ",
        "Lists of a metrics subscription can be extended; Kafka lets them be set only.",
    ),
    Accepted(55, "the_quorum", r"log_end_offset|high_watermark|leader_epoch|listeners", _QUORUM),
    Accepted(
        78,
        "share_fetches_that_are_refused|other_groups",
        r"#[01] .*\.error_code",
        _NO_SHARE_GROUP,
    ),
    Accepted(78, "share_fetches_that_are_refused", r"#9 ", _NO_TOPIC_ID),
    Accepted(79, "acknowledgements_that_are_refused", r"#7 ", _NO_TOPIC_ID),
)
