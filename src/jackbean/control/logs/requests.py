"""RequestEnvironmentInfo: every instance is asked for its logs, and the last answer ends it.

A request is a document until it is over, so that one which the control plane did not live to see
answered is ended at the next start instead of being waited for. What instances uploaded is listed
for fifteen minutes; links to anything older would only fail.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field

from jackbean.control.logs.following import Following
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import PortError, invalid
from jackbean.core.events import Event, Severity
from jackbean.ports.store import AddEvent, PutDocument

DOCUMENT = "log request"
KEPT_S = 15 * 60
PATIENCE_S = 60.0
PULLED = "Pulled logs for environment instances."
FAILED = "Failed to pull logs for environment instances."
KINDS = frozenset({"tail", "bundle"})


@dataclass
class LogRequest:
    """`answers` maps instances to the object key of what they sent; None while awaited."""

    id: str
    environment_id: str
    environment: str
    application: str
    kind: str
    request_id: str
    at: float
    answers: dict[str, str | None] = field(default_factory=dict)
    over: bool = False


class LogRequests:
    """Those under way, those whose answers can still be fetched, and who follows live."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.following = Following(world)
        self._requests: dict[str, LogRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def recover(self) -> None:
        """End what an earlier control plane left open, and remember what can be fetched."""
        for body in (await self._world.store.documents(DOCUMENT)).values():
            request = LogRequest(**json.loads(body))
            self._requests[request.id] = request
            if not request.over:
                await self._end(request)
        await self._expire()

    async def begin(self, environment: Environment, kind: str, request_id: str) -> None:
        """Ask every instance; the first event is there when this returns."""
        if kind not in KINDS:
            raise invalid(f"InfoType '{kind}' is not available here; ask for 'tail' or 'bundle'.")
        await self._expire()
        request = LogRequest(
            id=self._world.ids.request(),
            environment_id=environment.id,
            environment=environment.name,
            application=environment.application,
            kind=kind,
            request_id=request_id,
            at=self._world.clock.now(),
            answers={m.id: None for m in environment.members if not m.leaving},
        )
        self._requests[request.id] = request
        starting = _event(request, "requestEnvironmentInfo is starting.")
        await self._world.store.commit([_document(request), AddEvent(starting)])
        for instance in request.answers:
            self._world.reports.nudge(instance)
        self._watch(request)

    def wanted(self, instance: str) -> dict[str, str]:
        """Return what an instance is asked for: request ids by kind of log."""
        return {
            r.id: r.kind
            for r in self._requests.values()
            if not r.over and instance in r.answers and r.answers[instance] is None
        }

    async def answered(self, request_id: str, instance: str, key: str) -> None:
        """Note what an instance sent; the last answer ends the request."""
        request = self._requests.get(request_id)
        if request is None or request.over or instance not in request.answers:
            return
        request.answers[instance] = key
        if all(request.answers.values()):
            await self._end(request)

    async def answers(self, environment_id: str, kind: str) -> dict[str, tuple[str, float]]:
        """Return object key and time of the newest answer of each instance."""
        await self._expire()
        found: dict[str, tuple[str, float]] = {}
        for request in sorted(self._requests.values(), key=lambda r: r.at):
            if (request.environment_id, request.kind) == (environment_id, kind) and request.over:
                found |= {i: (k, request.at) for i, k in request.answers.items() if k}
        return found

    def _watch(self, request: LogRequest) -> None:
        task = asyncio.create_task(self._give_up_later(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give_up_later(self, request: LogRequest) -> None:
        if not request.answers:
            await self._end(request)
            return
        await asyncio.sleep(PATIENCE_S)
        if not request.over:
            await self._end(request)

    async def _end(self, request: LogRequest) -> None:
        request.over = True
        got = [i for i, key in request.answers.items() if key]
        silent = [i for i, key in request.answers.items() if not key]
        if got:
            told = [_event(request, f"[Instance: {i}] Successfully sent its logs.") for i in got]
            told += [
                _event(request, f"[Instance: {i}] It did not send its logs.", Severity.WARN)
                for i in silent
            ]
            told.append(_event(request, PULLED))
        else:
            why = f"No answer from {', '.join(silent)}." if silent else "There are no instances."
            told = [_event(request, f"{FAILED} {why}", Severity.ERROR)]
        try:
            await self._world.store.commit([_document(request), *map(AddEvent, told)])
        except PortError:
            request.over = False  # nothing was told: the next answer, or its time, ends it
            raise

    async def _expire(self) -> None:
        past = self._world.clock.now() - KEPT_S
        for request in [r for r in self._requests.values() if r.at < past and r.over]:
            del self._requests[request.id]
            await self._world.store.commit([PutDocument(DOCUMENT, request.id, None)])


def _document(request: LogRequest) -> PutDocument:
    return PutDocument(DOCUMENT, request.id, json.dumps(asdict(request)))


def _event(request: LogRequest, text: str, severity: Severity = Severity.INFO) -> Event:
    return Event(
        text,
        severity,
        application=request.application,
        environment=request.environment,
        environment_id=request.environment_id,
        request_id=request.request_id,
    )
