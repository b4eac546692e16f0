"""ListTransactions (API key 66): the transactional ids that this broker coordinates (KIP-664).

Versions 0-2. Filters by state and producer id; v1 by how long the transaction runs (KIP-994), v2
by a pattern of the transactional id (KIP-1152), matched as RE2 does: whoever asks must not be
able to stop the broker.
Source: ListTransactionsRequest.json and `TransactionStateManager.listTransactionStates` in
apache/kafka.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.regex.automaton import cached_pattern
from flowlog.broker.transactions.views import Filters, unknown_states
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 66
VERSIONS: Final = (0, 2)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.list_transactions
    try:
        filters = Filters(
            states=frozenset(request.state_filters),
            producer_ids=frozenset(request.producer_id_filters),
            longer_than_ms=request.duration_filter if request.duration_filter >= 0 else None,
            matches=_pattern(request.transactional_id_pattern),
        )
        views = context.services.transactions.list_transactions(filters)
    except KafkaError as error:
        return m.ListTransactionsResponse(error_code=error.error_code)
    return m.ListTransactionsResponse(
        unknown_state_filters=tuple(unknown_states(request.state_filters)),
        transaction_states=tuple(
            m.response.TransactionState(
                transactional_id=view.transactional_id,
                producer_id=view.transaction.producer_id,
                transaction_state=view.transaction.state.label,
            )
            for view in views
        ),
    )


def _pattern(text: str | None) -> Callable[[str], bool] | None:
    """What matches whole transactional ids; None: everything does.

    Raises:
        KafkaError: INVALID_REGULAR_EXPRESSION.
    """
    if not text:
        return None
    try:
        return cached_pattern(text).matches
    except ValueError as error:
        raise KafkaError(ErrorCode.invalid_regular_expression, str(error)) from None
