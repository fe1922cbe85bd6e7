"""Everything about queues in one hand: what a server makes once, and the API speaks to."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Self

from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.queues import Queues
from jackbean.services.queues.handles import Handles
from jackbean.services.queues.lines import Lines
from jackbean.services.queues.moves import Moves
from jackbean.services.queues.posting import Posting
from jackbean.services.queues.service import QueueService
from jackbean.services.queues.traffic import Traffic


@dataclass(frozen=True)
class QueueDesk:
    queues: QueueService
    traffic: Traffic
    moves: Moves
    posting: Posting

    @classmethod
    def made(
        cls, store: Queues, installation: Installation, world: tuple[Clock, Ids], secret: bytes
    ) -> Self:
        """Build from a store; `secret` is the installation's, from which handles are marked."""
        clock, _ = world
        lines = Lines(clock.now)
        queues = QueueService(store, clock, installation, lines)
        handles = Handles(hmac.digest(secret, b"receipt handles", hashlib.sha256))
        traffic = Traffic(queues, store, world, (lines, handles))
        posting = Posting(queues, world, (lines, handles))
        return cls(queues, traffic, Moves(queues, store, world, lines), posting)
