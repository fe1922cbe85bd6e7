"""Topics (SNS): who is told what, by which way, and what becomes of what cannot be told."""

from jackbean.services.topics.courier import Carrier, Undelivered
from jackbean.services.topics.desk import TopicDesk
from jackbean.services.topics.envelopes import Published
from jackbean.services.topics.service import Subscribing

__all__ = ["Carrier", "Published", "Subscribing", "TopicDesk", "Undelivered"]
