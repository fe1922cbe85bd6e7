"""What the API's modules call: the use cases, and what they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jackbean.control.board import Board
from jackbean.control.logs.requests import LogRequests
from jackbean.control.logs.taking import LogTaker
from jackbean.control.notices import Notices
from jackbean.control.principals import Principal
from jackbean.control.rights import Rights
from jackbean.control.roster import Roster
from jackbean.control.stacks.desk import StackDesk
from jackbean.control.watch import Watch
from jackbean.control.world import World
from jackbean.ports.engine import Dependencies, LastLogs, Runtimes
from jackbean.services.logs import LogService
from jackbean.services.objects import ObjectService, UploadService
from jackbean.services.periodic import PeriodicDesk
from jackbean.services.queues import MessageLedger, QueueDesk
from jackbean.services.signals import SignalDesk
from jackbean.services.tables import TableService
from jackbean.services.topics import TopicDesk
from jackbean.wire.sigv4 import Signer


@dataclass(frozen=True)
class Plant:
    world: World
    board: Board
    roster: Roster
    rights: Rights
    logs: LogRequests
    lines: LogTaker
    notices: Notices
    watch: Watch
    objects: ObjectService
    uploads: UploadService
    queues: QueueDesk
    messages: MessageLedger
    periodic: PeriodicDesk
    topics: TopicDesk
    stacks: StackDesk
    signals: SignalDesk
    tables: TableService
    log_groups: LogService
    dependencies: Dependencies
    runtimes: Runtimes
    last_logs: LastLogs
    signer: Signer


@dataclass(frozen=True)
class Call:
    """One request, understood: typed members, who asks, and where they reached us."""

    operation: str
    members: Mapping[str, Any]
    request_id: str
    principal: Principal
    base_url: str
    unknown: tuple[str, ...] = field(default=())
    path: str = "/"

    def text(self, name: str, default: str = "") -> str:
        value = self.members.get(name)
        return default if value is None else str(value)

    def optional(self, name: str) -> str | None:
        value = self.members.get(name)
        return None if value is None else str(value)

    def items(self, name: str) -> list[Any]:
        return list(self.members.get(name) or ())

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.members.get(name)
        return default if value is None else bool(value)


def moment(seconds: float) -> datetime:
    """Return an instant as the wire's models have it."""
    return datetime.fromtimestamp(seconds, UTC)
