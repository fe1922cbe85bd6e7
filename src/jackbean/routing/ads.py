"""The server that Envoy dials: hands out the snapshot it was given, and keeps Envoy's answers.

It listens on a unix socket in a directory that only its owner may enter. Before it is given a
snapshot it stays silent: an Envoy that ran before the control plane started keeps what it has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from jackbean.core.errors import PortError
from jackbean.routing.protos import METHOD, SERVICE, Packer, ask, parse_request
from jackbean.routing.resources import Kind, Resource, Snapshot
from jackbean.routing.xds import Answer, Conversation, Delivery

log = logging.getLogger(__name__)

RETRY_S = 2.0  # after a refusal: an address in use may have become free
GOODBYE_S = 1.0
WORDS_MAX = 2000  # of what Envoy says


@dataclass(frozen=True)
class Refusal:
    """A resource that Envoy would not take, and why in its own words."""

    kind: Kind
    name: str
    version: str
    reason: str

    def __str__(self) -> str:
        return f"Envoy refused {self.kind.rpartition('.')[2]} {self.name!r}: {self.reason}"


class AdsServer:
    """`greet` is called with the names of the clusters that a newly connected Envoy has."""

    def __init__(self, socket: Path, node: str, greet: Callable[[frozenset[str]], None]) -> None:
        self._socket = socket
        self._node = node
        self._greet = greet
        self._snapshot: Snapshot | None = None
        self._packer = Packer()
        self._server: Any = None
        self._leaving = False
        self._words = ""
        self._visits: list[_Visit] = []
        self._refusals: dict[tuple[Kind, str], Refusal] = {}

    @property
    def connected(self) -> bool:
        return bool(self._visits)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(self._refusals[key] for key in sorted(self._refusals))

    async def start(self) -> None:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.stream_stream_rpc_method_handler(
            self._serve, request_deserializer=parse_request, response_serializer=bytes
        )
        generic = grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})
        server.add_generic_rpc_handlers((generic,))
        try:
            server.add_insecure_port(f"unix:{self._socket}")
        except RuntimeError as error:
            raise PortError(f"cannot listen on {self._socket}: {error}") from error
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Hang up; Envoy keeps what it has."""
        self._leaving = True
        for visit in self._visits:
            visit.stir.set()
        if self._server is not None:
            await self._server.stop(grace=GOODBYE_S)
            self._server = None

    def offer(self, snapshot: Snapshot) -> None:
        """Make this what Envoy should have; it is sent what it lacks of it."""
        self._snapshot = snapshot
        self._packer.keep(snapshot)
        self._refusals = {
            key: refusal
            for key, refusal in self._refusals.items()
            if _wanted(snapshot, key) == refusal.version
        }
        for visit in self._visits:
            visit.stir.set()

    def settled(self) -> bool:
        """Whether an Envoy is there that has answered to all it should have."""
        snapshot = self._snapshot
        return snapshot is not None and any(v.talk.settled(snapshot) for v in self._visits)

    def took(self, resource: Resource) -> bool:
        """Whether an Envoy is there that has answered to just this version of a resource."""
        return any(visit.talk.took(resource) for visit in self._visits)

    def reaches(self, environment_id: str) -> bool:
        """Whether an Envoy is there that knows the way to an environment."""
        return any(
            visit.talk.answered(Kind.LISTENER, environment_id)
            and visit.talk.answered(Kind.ROUTES, environment_id)
            for visit in self._visits
        )

    async def _serve(self, _: Any, context: Any) -> None:
        visit = _Visit()
        self._visits.append(visit)
        reading = asyncio.ensure_future(self._listen(visit, context))
        try:
            while not (reading.done() or self._leaving):
                visit.stir.clear()
                for delivery in self._due(visit):
                    await context.write(self._packer.response(delivery))
                await visit.stir.wait()
        finally:
            self._visits.remove(visit)
            await _ended(reading)

    def _due(self, visit: _Visit) -> Iterator[Delivery]:
        return iter(()) if self._snapshot is None else visit.talk.due(self._snapshot)

    async def _listen(self, visit: _Visit, context: Any) -> None:
        try:
            while (request := await context.read()) is not grpc.aio.EOF:
                await self._hear(visit, request, context)
                visit.stir.set()
        finally:
            visit.stir.set()

    async def _hear(self, visit: _Visit, request: Any, context: Any) -> None:
        if request.HasField("node") and request.node.id != self._node:
            await context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, self._stranger(request.node.id)
            )
        heard = ask(request)
        if heard is None:
            return
        first = heard.kind is Kind.CLUSTER and not visit.talk.asked(Kind.CLUSTER)
        answer = visit.talk.hear(heard)
        if first:
            self._greet(frozenset(heard.has))
        if answer is not None:
            self._note(visit, answer)

    def _stranger(self, node: str) -> str:
        words = f"this is the control plane of {self._node!r}, not of {node[:100]!r}"
        if words != self._words:  # it will try again and again
            self._words = words
            log.error("sent an Envoy away: %s", words)
        return words

    def _note(self, visit: _Visit, answer: Answer) -> None:
        """Keep what Envoy said of each resource of a delivery."""
        kind = answer.delivery.kind
        before = {
            r.name: self._refusals.pop((kind, r.name), None) for r in answer.delivery.resources
        }
        if answer.refusal is None:
            return
        blamed = _blamed(answer.delivery.resources, answer.refusal)
        for resource in blamed:
            words = answer.refusal[:WORDS_MAX]
            refusal = Refusal(kind, resource.name, resource.version, words)
            self._refusals[kind, resource.name] = refusal
            if refusal != before[resource.name]:
                log.error("%s", refusal)
        asyncio.get_running_loop().call_later(RETRY_S, self._retry, visit, blamed)

    @staticmethod
    def _retry(visit: _Visit, refused: tuple[Resource, ...]) -> None:
        for resource in refused:
            visit.talk.forget(resource)
        visit.stir.set()


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _Visit:
    """One Envoy on the line."""

    def __init__(self) -> None:
        self.talk = Conversation()
        self.stir = asyncio.Event()


def _wanted(snapshot: Snapshot, key: tuple[Kind, str]) -> str | None:
    resource = snapshot.of(key[0]).get(key[1])
    return None if resource is None else resource.version


def _blamed(resources: tuple[Resource, ...], words: str) -> tuple[Resource, ...]:
    """Return those of a refused message that Envoy's words name; all, if they name none."""
    return tuple(r for r in resources if r.name in words) or resources
