"""What agents on instances dial: reports in, work, bundles and dependencies out.

On a unix socket that instances see; every request carries the token of one instance and can reach
nothing but what concerns that instance. See `jackbean.core.protocol` for the conversation.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from jackbean.api.door import Door
from jackbean.api.plant import Plant
from jackbean.api.publishing import NAME, publish
from jackbean.control.credentials import ROLE_S, VARIABLES_S
from jackbean.control.logs.following import lines_of
from jackbean.control.logs.taking import Lines, NotStreamed, TooFast
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault, JackbeanError
from jackbean.core.platforms.runtimes import Need
from jackbean.core.protocol import (
    ATTEMPTS_MAX,
    LOG_BYTES_MAX,
    VERSION,
    Attempt,
    Attempts,
    DependencyRequest,
    Notice,
    Report,
    RuntimeRequest,
    from_json,
    to_json,
)
from jackbean.ports.engine import Unresolvable
from jackbean.services.objects import Incoming, Write

BODY_BYTES_MAX = 1 << 20
FILES_BYTES_MAX = 4 << 20
LINES_BYTES_MAX = 1 << 20
PATH_CHARS_MAX = 1_000
START = re.compile(r"[0-9]{1,15}")
FILE = re.compile(r"[0-9a-f.-]{1,64}")
NAME_MAX = 40
NAMES = {"tail": "TailLogs-{}.out", "bundle": "BundleLogs-{}.zip"}

log = logging.getLogger("jackbean.agents")


class Refused(Exception):
    """A request that an agent should not have made. 401 ends the agent."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class AgentsDoor:
    """Builds the application; its methods are its routes. `front` answers in AWS's protocols."""

    def __init__(self, plant: Plant, front: Door) -> None:
        self._plant = plant
        self._front = front

    def application(self) -> Starlette:
        routes = [
            Route("/v1/report", self.report, methods=["POST"]),
            Route("/v1/bundle/{digest}", self.bundle, methods=["GET"]),
            Route("/v1/object/{bucket}/{key:path}", self.object, methods=["GET"]),
            Route("/v1/dependencies", self.dependencies, methods=["POST"]),
            Route("/v1/runtime", self.runtime, methods=["POST"]),
            Route("/v1/notices", self.notices, methods=["POST"]),
            Route("/v1/attempts", self.attempts, methods=["POST"]),
            Route("/v1/logs/{request}/{kind}", self.logs, methods=["PUT"]),
            Route("/v1/publish/{name}", self.publish, methods=["PUT"]),
            Route("/v1/lines", self.lines, methods=["POST"]),
            Route("/v1/follow/{view}", self.follow, methods=["POST"]),
            Route("/v1/steps", self.steps, methods=["POST"]),
            Route("/v1/credentials", self.credentials, methods=["GET"]),
            Route("/v1/enough", self.enough, methods=["POST"]),
            Route("/", self._front, methods=["POST"]),
        ]
        handlers = {Refused: _refused, JackbeanError: _refused}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def report(self, request: Request) -> Response:
        """Take a report, and answer with what there is to do."""
        plant, instance = self._plant, self._instance(request)
        report = _shape(Report, await _json(request, BODY_BYTES_MAX))
        if report.instance != instance:
            raise Refused(403, "A report speaks of the instance whose token it comes with.")
        if report.protocol != VERSION:
            raise Refused(426, f"Protocol version {VERSION} is spoken here.")
        environment = await self._home(instance)
        if plant.board.put(report):
            plant.world.bell.poke(environment.id)
        order = await plant.board.order(report, plant.roster.order)
        return JSONResponse(to_json(order))

    async def bundle(self, request: Request) -> Response:
        instance, digest = self._instance(request), request.path_params["digest"]
        await self._home(instance)
        if digest not in await self._plant.roster.bundle(instance):
            raise Refused(404, "This instance's release has another bundle.")
        return FileResponse(self._plant.world.blobs.path(digest))

    async def object(self, request: Request) -> Response:
        """Hand out an object that the instance's release names, and no other."""
        instance = self._instance(request)
        await self._home(instance)
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        if (bucket, key) not in await self._plant.roster.objects(instance):
            raise Refused(404, "This instance's release names no such object.")
        try:
            record = await self._plant.objects.get(bucket, key)
        except Fault as fault:
            raise Refused(404, fault.message) from None
        return FileResponse(self._plant.objects.path(record))

    async def dependencies(self, request: Request) -> Response:
        await self._home(self._instance(request))
        wanted = _shape(DependencyRequest, await _json(request, FILES_BYTES_MAX))
        try:
            path = await self._plant.dependencies.resolve(wanted)
        except Unresolvable as error:
            return JSONResponse({"cause": error.cause, "tail": error.tail}, 422)
        return JSONResponse({"path": path})

    async def runtime(self, request: Request) -> Response:
        """Provide a language, and tell of it where that means to fetch it."""
        environment = await self._home(self._instance(request))
        wanted = _shape(RuntimeRequest, await _json(request, BODY_BYTES_MAX))

        async def tell(text: str) -> None:
            log.info("%s: %s", environment.name, text)
            await self._plant.notices.tell(environment, Notice(0, "INFO", text))

        try:
            need = Need(wanted.language[:NAME_MAX], wanted.version[:NAME_MAX])
            found = await self._plant.runtimes.provide(need, tell)
        except Unresolvable as error:
            return JSONResponse({"cause": error.cause, "tail": error.tail}, 422)
        return JSONResponse(asdict(found))

    async def notices(self, request: Request) -> Response:
        environment = await self._home(self._instance(request))
        notice = _shape(Notice, await _json(request, BODY_BYTES_MAX))
        await self._plant.notices.tell(environment, notice)
        return Response(status_code=204)

    async def attempts(self, request: Request) -> Response:
        """Keep what came of messages; what is said of those of another installation is not."""
        instance = self._instance(request)
        environment = await self._home(instance)
        told = _shape(Attempts, await _json(request, BODY_BYTES_MAX)).attempts
        if len(told) > ATTEMPTS_MAX:
            raise Refused(413, f"At most {ATTEMPTS_MAX} attempts are taken at once.")
        attempts = [_shape(Attempt, one) for one in told]
        await self._plant.messages.tell(instance, attempts)
        self._plant.board.take(environment.id, instance, attempts)
        return Response(status_code=204)

    async def logs(self, request: Request) -> Response:
        """Keep what an instance was asked for, where the link to it will point."""
        plant, instance = self._plant, self._instance(request)
        wanted, kind = request.path_params["request"], request.path_params["kind"]
        environment = await self._home(instance)
        if plant.logs.wanted(instance).get(wanted) != kind:
            raise Refused(404, "Nobody asked for these logs.")
        name = NAMES[kind].format(round(plant.world.clock.now() * 1000))
        key = f"resources/environments/logs/{kind}/{environment.id}/{instance}/{name}"
        bucket = plant.world.installation.bucket
        await plant.objects.ensure_bucket(bucket)
        body = Incoming(_bounded(request, LOG_BYTES_MAX))
        await plant.objects.put(Write(bucket, key), body)
        await plant.logs.answered(wanted, instance, key)
        return Response(status_code=204)

    async def publish(self, request: Request) -> Response:
        """Keep a rotated log in the storage bucket."""
        instance, name = self._instance(request), request.path_params["name"]
        environment = await self._home(instance)
        if not NAME.fullmatch(name) or not await self._plant.lines.publishes(environment):
            raise Refused(409, "The settings of this environment publish no such logs.")
        place = (environment.id, instance)
        await publish(self._plant, place, name, _bounded(request, LOG_BYTES_MAX))
        return Response(status_code=204)

    async def lines(self, request: Request) -> Response:
        """Take lines of a log into the log group that it has in the instance's environment."""
        instance, asked = self._instance(request), request.query_params
        environment = await self._home(instance)
        start = asked.get("start", "")
        if not START.fullmatch(start) or not FILE.fullmatch(asked.get("file", "")):
            raise Refused(400, "Lines say which file they are of, and where they begin there.")
        lines = Lines(
            instance=instance,
            path=asked.get("path", ""),
            file=asked["file"],
            start=int(start),
            data=await _bytes(request, LINES_BYTES_MAX),
            gap=asked.get("gap") == "1",
        )
        try:
            end = await self._plant.lines.take(environment, lines)
        except NotStreamed as why:
            raise Refused(409, str(why)) from None
        except TooFast as why:
            raise Refused(429, str(why)) from None
        return JSONResponse({"end": end})

    async def follow(self, request: Request) -> Response:
        """Pass lines on to who follows the instance's environment."""
        instance = self._instance(request)
        environment = await self._home(instance)
        path = request.query_params.get("path", "")[:PATH_CHARS_MAX]
        found = lines_of(instance, path, await _bytes(request, LINES_BYTES_MAX))
        view = request.path_params["view"]
        if not self._plant.logs.following.take(environment.id, view, found):
            raise Refused(404, "Nobody follows these logs.")
        return Response(status_code=204)

    async def steps(self, request: Request) -> Response:
        instance = self._instance(request)
        said = await _json(request, BODY_BYTES_MAX)
        log.debug("%s: %r", instance, str(said.get("step"))[:200])
        return Response(status_code=204)

    async def credentials(self, request: Request) -> Response:
        """Tell an instance its own AWS keys; they end with it, or before."""
        world = self._plant.world
        principal = await self._plant.rights.principal(self._instance(request))
        if principal is None:
            raise Refused(401, "This instance belongs to no environment.")
        lives_s = VARIABLES_S if request.query_params.get("for") == "variables" else ROLE_S
        expires = int(world.clock.now()) + lives_s
        keys = world.credentials.temporary(principal.instance, expires)
        told = {
            "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret,
            "SessionToken": keys.token,
            "Expiration": keys.expires,
            "AccountId": world.installation.account,
            "Role": principal.role,
        }
        return JSONResponse(told)

    async def enough(self, request: Request) -> Response:
        """Answer what the instance waits for at the front door, with what there is."""
        instance = self._instance(request)
        await self._home(instance)
        self._front.polls.end(instance)
        return Response(status_code=204)

    def _instance(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        holder = self._plant.world.credentials.holder(token) if scheme == "Bearer" else None
        if holder is None:
            raise Refused(401, "The token is not one of this installation's.")
        return holder

    async def _home(self, instance: str) -> Environment:
        """Return the environment of an instance; its token ends with its membership."""
        home = await self._plant.roster.home(instance)
        if home is None:
            raise Refused(401, "This instance belongs to no environment.")
        return home[0]


async def _refused(request: Request, error: Exception) -> Response:
    """Answer with the cause; what is not the agent's fault it tries again."""
    if not isinstance(error, Refused):
        log.warning("an agent cannot be answered: %s", error)
    return JSONResponse({"cause": str(error)}, error.status if isinstance(error, Refused) else 503)


async def _bytes(request: Request, size_max: int) -> bytes:
    return b"".join([chunk async for chunk in _bounded(request, size_max)])


async def _json(request: Request, size_max: int) -> dict[str, Any]:
    try:
        data = json.loads(await _bytes(request, size_max))
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.") from None
    if not isinstance(data, dict):
        raise Refused(400, "The body is a JSON object.")
    return data


async def _bounded(request: Request, size_max: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > size_max:
            raise Refused(413, f"At most {size_max} bytes are taken here.")
        yield chunk


def _shape(kind: Any, data: dict[str, Any]) -> Any:
    try:
        return from_json(kind, data)
    except ValueError as error:
        raise Refused(400, str(error)) from None
