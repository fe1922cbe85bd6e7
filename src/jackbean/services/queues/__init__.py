"""Queues (SQS): what they promise, apart from how it is said on the wire and kept on disk."""

from jackbean.services.queues.depths import QueueDepths
from jackbean.services.queues.desk import QueueDesk
from jackbean.services.queues.ledger import Found, MessageLedger
from jackbean.services.queues.messages import Entry
from jackbean.services.queues.moves import Order
from jackbean.services.queues.permissions import Grant
from jackbean.services.queues.posting import Posting
from jackbean.services.queues.traffic import Receive, Received

__all__ = [
    "Entry",
    "Found",
    "Grant",
    "MessageLedger",
    "Order",
    "Posting",
    "QueueDepths",
    "QueueDesk",
    "Receive",
    "Received",
]
