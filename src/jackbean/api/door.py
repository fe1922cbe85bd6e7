"""The front door: one endpoint for every AWS service, and for what AWS has not.

A request is identified, its signature verified, its principal authorised, its members parsed by the
service's model; then a handler answers in plain dictionaries. Whatever goes wrong is answered in
the protocol that was spoken, and an operation that is not here says so with status 400: clients
retry anything in the 500s for minutes.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jackbean.api import signals
from jackbean.api.authority import authorise, authorise_call
from jackbean.api.callers import Callers
from jackbean.api.objects_door import ObjectsDoor
from jackbean.api.plant import Call, Plant
from jackbean.api.polls import Polls
from jackbean.control.principals import BEARERS_MAY, Bearer, Keys, Principal
from jackbean.core.errors import Fault, PortError
from jackbean.wire import sigv4
from jackbean.wire.errors import WireFault, quoted
from jackbean.wire.models import Models
from jackbean.wire.protocols import PROTOCOLS, REQUEST_ID
from jackbean.wire.request import HttpRequest, HttpResponse
from jackbean.wire.route import QUERY, REST, Target, identify, is_object

BODY_BYTES_MAX = 4 << 20
EXTENSION = "jackbean"
PATIENT = frozenset({("sqs", "ReceiveMessage")})  # may take long, and end with who asked

Handler = Callable[[Plant, Call], Awaitable[Mapping[str, Any]]]
Services = Mapping[str, Mapping[str, Handler]]

log = logging.getLogger("jackbean.api")


@dataclass(frozen=True)
class Visit:
    """One request on its way in, with what is known of it so far."""

    http: HttpRequest
    request_id: str
    base_url: str


class Door:
    """An ASGI application."""

    def __init__(self, plant: Plant, keys: Keys, services: Services) -> None:
        self._plant = plant
        self._services = services
        self._models = Models()
        self.polls = Polls()
        self._callers = Callers(plant, keys)
        self._objects = ObjectsDoor(plant, self._callers, self._models)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request, scope)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, scope: Scope) -> Response:
        raw = scope.get("raw_path") or scope["path"].encode()
        http = HttpRequest.received(
            request.method, (raw, scope["query_string"]), scope["headers"], None
        )
        base_url = f"{scope['scheme']}://{http.headers.get('host', '')}"
        visit = Visit(http, self._plant.world.ids.request(), base_url)
        try:
            if handle := signals.handle_of(self._plant, http):
                return await signals.answer(self._plant, handle, http, await _body(request))
            if is_object(http):
                return await self._objects.answer(request, http, visit.request_id)
        except WireFault as fault:
            return self._refused(fault, visit, Target("s3", None, None, REST))
        return await self._serve(request, visit)

    async def _serve(self, request: Request, visit: Visit) -> Response:
        target = Target("", None, None, QUERY)
        try:
            body = await _body(request)
            visit = replace(visit, http=replace(visit.http, body=body))
            target = identify(visit.http)
            return await self._operate(visit, target, request.receive)
        except WireFault as fault:
            return self._refused(fault, visit, target)
        except Fault as fault:
            return self._refused(_as_wire(fault), visit, target)
        except PortError as error:
            log.warning("request %s: %s", visit.request_id, error)
            busy = WireFault("ServiceUnavailable", f"Try again: {error}.", 503, sender=False)
            return self._refused(busy, visit, target)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request %s failed", visit.request_id)
            text = f"An internal error; the log of `jackbean serve` has it as {visit.request_id}."
            broken = WireFault("InternalFailure", text, 500, sender=False)
            return self._refused(broken, visit, target)

    async def _operate(self, visit: Visit, target: Target, receive: Receive) -> Response:
        if target.service == "s3":
            raise sigv4.unsigned(visit.http)
        service, operation = target.service, target.operation or ""
        principal = await self._principal(visit.http, service, operation)
        operations = self._services.get(service)
        if operations is None:
            raise WireFault("UnknownService", f"There is no service {quoted(service)} here.")
        authorise(self._plant, principal, service, operation)
        handler = operations.get(operation)
        if handler is None:
            named = quoted(operation) if operation else "An operation without a name"
            text = f"{named} of {service} is not available in this version of Jackbean."
            raise WireFault("UnsupportedOperation", text)
        if service == EXTENSION:
            return await self._extension(visit, operation, principal, handler)
        if (service, operation) in PATIENT:
            handler = _attended(handler, receive, self.polls)
        return await self._modelled(visit, target, principal, handler)

    async def _principal(self, http: HttpRequest, service: str, operation: str) -> Principal:
        if (service, operation) in BEARERS_MAY and sigv4.find_credential(http) is None:
            return Bearer()
        return (await self._callers.verified(http))[0]

    async def _modelled(
        self, visit: Visit, target: Target, principal: Principal, handler: Handler
    ) -> Response:
        model, protocol = self._models.get(target.service), PROTOCOLS[target.protocol]
        operation = protocol.operation(model, target, visit.http)
        parsed = protocol.parse(model, operation, visit.http)
        call = Call(
            operation,
            parsed.members,
            visit.request_id,
            principal,
            visit.base_url,
            parsed.unknown,
            visit.http.path,
        )
        await authorise_call(self._plant, target.service, call)
        result = await handler(self._plant, call)
        return _sent(protocol.answer(model, operation, result, visit.request_id))

    async def _extension(
        self, visit: Visit, operation: str, principal: Principal, handler: Handler
    ) -> Response:
        """Answer an operation of our own: JSON without a model, so handlers check what they use."""
        try:
            members = json.loads(visit.http.body or b"{}")
        except (ValueError, RecursionError):
            raise WireFault("SerializationException", "The body is not JSON.") from None
        if not isinstance(members, dict):
            raise WireFault("SerializationException", "The body is a JSON object.")
        call = Call(operation, members, visit.request_id, principal, visit.base_url)
        content = json.dumps(await handler(self._plant, call)).encode()
        headers = {REQUEST_ID: visit.request_id}
        return Response(content, 200, headers, "application/x-amz-json-1.1")

    def _refused(self, fault: WireFault, visit: Visit, target: Target) -> Response:
        """Answer with an error in the protocol that was spoken."""
        modelled = target.service in self._services and target.service != EXTENSION
        model = self._models.get(target.service) if modelled else None
        return _sent(PROTOCOLS[target.protocol].refuse(fault, visit.request_id, model))


def _attended(handler: Handler, receive: Receive, polls: Polls) -> Handler:
    """Return a handler that is cancelled when nobody wants to wait for its answer any more.

    Either the client goes away, or it wants its answer now: that is empty then.
    """

    async def attended(plant: Plant, call: Call) -> Mapping[str, Any]:
        with polls.waiting(call.principal) as enough:
            answering = asyncio.ensure_future(handler(plant, call))
            leaving = asyncio.ensure_future(receive())
            ending = asyncio.ensure_future(enough.wait())
            try:
                waiting = (answering, leaving, ending)
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if answering.done():
                    return answering.result()
                if leaving.done():
                    raise ClientDisconnect
                return {}
            finally:
                for task in (answering, leaving, ending):
                    task.cancel()

    return attended


def _as_wire(fault: Fault) -> WireFault:
    return WireFault(fault.code, fault.message, fault.status, extras=fault.extras)


def _sent(made: HttpResponse) -> Response:
    return Response(made.body, made.status, dict(made.headers))


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            text = f"The request is larger than {BODY_BYTES_MAX} bytes."
            raise WireFault("RequestEntityTooLarge", text, 413)
        chunks.append(chunk)
    return b"".join(chunks)
