"""What happened to the money. Nothing in this app touches the network."""

from payments.models.approvals import BOSS, Approval, ApprovalKind, ApprovalLimit, ApprovalState, role_name
from payments.models.attention import AlertChannel, Attention, AttentionKind, Handling, StaffAlert
from payments.models.calls import OPEN_CALLS, CallKind, CallState, GatewayCall
from payments.models.cancellations import OPEN_CANCELS, RESERVING, Cancellation, CancelOrigin, CancelState
from payments.models.checks import CheckState, CredentialCheck
from payments.models.deliveries import Delivery, DeliveryAttempt, DeliveryKind, DeliveryState
from payments.models.events import Circuit, PaymentEvent
from payments.models.notifications import Notification
from payments.models.orders import Order, PaymentSession
from payments.models.reconciliation import Difference, DifferenceKind, Reconciliation, ReconciliationState

__all__ = [
    "BOSS",
    "OPEN_CALLS",
    "OPEN_CANCELS",
    "RESERVING",
    "AlertChannel",
    "Approval",
    "ApprovalKind",
    "ApprovalLimit",
    "ApprovalState",
    "Attention",
    "AttentionKind",
    "CallKind",
    "CallState",
    "CancelOrigin",
    "CancelState",
    "Cancellation",
    "CheckState",
    "Circuit",
    "CredentialCheck",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryKind",
    "DeliveryState",
    "Difference",
    "DifferenceKind",
    "GatewayCall",
    "Handling",
    "Notification",
    "Order",
    "PaymentEvent",
    "PaymentSession",
    "Reconciliation",
    "ReconciliationState",
    "StaffAlert",
    "role_name",
]
