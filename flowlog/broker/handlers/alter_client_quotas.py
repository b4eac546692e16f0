"""AlterClientQuotas (API key 49): set and take away limits of users, clients and addresses.

Versions 0-1; the versions differ in encoding only. An entity that the request names more than
once is refused and answered once.
Source: AlterClientQuotasRequest.json in apache/kafka; KIP-546.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.admin.quotas import QuotaChange
from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 49
VERSIONS: Final = (0, 1)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.alter_client_quotas.response
    changes = [_change(entry) for entry in request.entries]
    outcomes = await context.services.quotas.change(changes, validate_only=request.validate_only)
    rows = {
        change.entity: m.EntryData(
            error_code=0 if error is None else error.error_code,
            error_message=None if error is None else error.message,
            entity=tuple(
                m.EntityData(entity_type=kind, entity_name=name) for kind, name in change.entity
            ),
        )
        for change, error in zip(changes, outcomes, strict=True)
    }
    return messages.alter_client_quotas.AlterClientQuotasResponse(entries=tuple(rows.values()))


def _change(entry: Any) -> QuotaChange:
    pairs = [(part.entity_type, part.entity_name) for part in entry.entity]
    return QuotaChange(
        entity=tuple(sorted(pairs, key=lambda pair: (pair[0], pair[1] or ""))),
        limits=tuple((op.key, None if op.remove else op.value) for op in entry.ops),
    )
