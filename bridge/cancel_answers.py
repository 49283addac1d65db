"""What a shop is told of a cancel, as it stands now."""

from typing import Any

from bridge import cancel_calls
from bridge.errors import ErrorCode
from bridge.payment_facts import facts_of, refusal
from payments.models import Cancellation, CancelState, PaymentSession


def told(cancellation: Cancellation, session: PaymentSession) -> dict[str, Any]:
    """Return the answer for a cancel that the gateway did or accepted. Raises ShopError for every other state."""
    facts = {"CancelId": str(cancellation.uuid)}
    if cancellation.state == CancelState.DONE:
        return {"Type": "Done", **facts_of(session), **facts}
    if cancellation.state == CancelState.PENDING:
        return {"Type": "Pending", **facts_of(session), **facts}
    if cancellation.is_open:
        message = "it is not known yet what came of this cancel: do not refund by other means; a message follows"
        raise refusal(ErrorCode.OUTCOME_UNKNOWN, message, session, Type="Pending", **facts)
    if cancellation.state == CancelState.REVERSED:
        message = f"the refund came back to the merchant later ({cancellation.code or 'no reason given'})"
        raise refusal(ErrorCode.GATEWAY_REFUSED, message, session, **facts)
    if cancellation.code == cancel_calls.NOT_REACHED:
        message = "the gateway could not be reached: surely nothing happened"
        raise refusal(ErrorCode.GATEWAY_UNREACHABLE, message, session, **facts)
    why = " ".join(filter(None, (cancellation.code, cancellation.message)))
    raise refusal(ErrorCode.GATEWAY_REFUSED, f"the gateway refused it: {why}", session, **facts)


def done(session: PaymentSession) -> dict[str, Any]:
    """Return the answer for an order on which no money is."""
    return {"Type": "Done", **facts_of(session)}
