"""A whole installation in memory, with AWS's own client calling its door: no sockets between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.control.rig import Rig, bundle

from jackbean.api.agents import AgentsDoor
from jackbean.api.door import Door
from jackbean.api.plant import Plant
from jackbean.control.board import Board
from jackbean.control.credentials import ROLE_S
from jackbean.control.logs.requests import LogRequests
from jackbean.control.logs.taking import LogTaker
from jackbean.control.notices import Notices
from jackbean.control.principals import Keys
from jackbean.control.rights import Rights
from jackbean.control.roster import Roster
from jackbean.control.stacks.desk import StackDesk
from jackbean.control.stacks.nesting import NestedStacks
from jackbean.control.workers import queue_of
from jackbean.control.world import World
from jackbean.core.platforms.runtimes import Need
from jackbean.core.protocol import DependencyRequest
from jackbean.core.resources import Resource
from jackbean.ports.engine import Departed, Runtime, Tell, Unresolvable
from jackbean.ports.store import EnvironmentQuery, PutEnvironment
from jackbean.server.assembly import SERVICES
from jackbean.services.logs import LogService
from jackbean.services.objects import ObjectService, UploadService
from jackbean.services.objects.templates import template_at
from jackbean.services.periodic import PeriodicDesk, Workers
from jackbean.services.queues import MessageLedger, QueueDesk
from jackbean.services.resources import ClaimedResources, providers, waiting
from jackbean.services.signals import SignalDesk
from jackbean.services.tables import TableService
from jackbean.services.topics import TopicDesk, Undelivered
from jackbean.simulator.buckets import MemoryBuckets
from jackbean.simulator.firings import MemoryFirings
from jackbean.simulator.ledger import MemoryLedger
from jackbean.simulator.queues import MemoryQueues
from jackbean.simulator.tables import MemoryTables
from jackbean.simulator.topics import MemoryTopics
from jackbean.wire.sigv4 import Signer

ADMIN = ("JBAKADMINISTRATOR001", "secret-of-the-administrator")
NOBODY = ("", "")
PLATFORM = "64bit Amazon Linux 2023 v4.13.7 running Python 3.11"
HOST = "localhost:8700"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def ask(
    app: Any, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
) -> Answer:
    """Send one request to an ASGI application as a server would."""
    parts = urlsplit(url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path or "/",
        "raw_path": (parts.path or "/").encode(),
        "query_string": parts.query.encode(),
        "headers": [(k.lower().encode(), str(v).encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8700),
    }
    pending = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop()
        await asyncio.Event().wait()
        raise AssertionError("nobody waits for ever")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    found = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
    return Answer(start["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))


class Raw:
    """What botocore reads a body from."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body

    def read(self, *_: Any) -> bytes:
        body, self._body = self._body, b""
        return body


class Wire:
    """botocore's way to a server, straight into an application. Notes what was answered last."""

    def __init__(self, plant: PlantRig) -> None:
        self._rig = plant
        self.last: Answer | None = None

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        body = request.body or b""
        content = body.read() if hasattr(body, "read") else body
        content = content.encode() if isinstance(content, str) else bytes(content)
        headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
        headers.setdefault("Host", urlsplit(request.url).netloc)
        answer = self._rig.run(ask(self._rig.door, request.method, request.url, headers, content))
        self.last = answer
        headers = {**answer.headers, "date": "Mon, 01 Jan 2024 00:00:00 GMT"}
        return AWSResponse(request.url, answer.status, headers, Raw(answer.body))


class Dependencies:
    """ports.Dependencies: `wanted` notes what was asked for."""

    def __init__(self) -> None:
        self.wanted: list[DependencyRequest] = []

    async def resolve(self, request: DependencyRequest) -> str:
        self.wanted.append(request)
        if "bad" in str(request.files):
            raise Unresolvable("No such package.", "the end of a log")
        return "/resolved"


class Runtimes:
    """ports.Runtimes: `wanted` notes what was asked for."""

    def __init__(self) -> None:
        self.wanted: list[Need] = []

    async def provide(self, need: Need, tell: Tell) -> Runtime:
        self.wanted.append(need)
        if need.language == "bad":
            raise Unresolvable("No such language.", "")
        await tell(f"Fetching {need.title}.")
        return Runtime(f"/runtimes/{need.name}", f"{need.version}.1", lacks="has no compiler")


class LastLogs:
    """ports.LastLogs: `kept` is what there is, by environment."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Departed]] = {}

    async def departed(self, environment_id: str) -> list[Departed]:
        return self.kept.get(environment_id, [])


class Carrier:
    """services.topics.Carrier: `posted` and `mails` note what went out; `refuses` so many posts."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.mails: dict[str, bytes] = {}
        self.refuses = 0

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        if self.refuses:
            self.refuses -= 1
            raise Undelivered("refused")
        self.posted.append((url, headers, body))

    async def drop(self, name: str, mail: bytes) -> None:
        self.mails[name] = mail


class PlantRig(Rig):
    """An installation, its plant and its doors. Virtual time begins at the real one.

    `real`: resources of stacks are made by the providers, of the services that are called here.
    """

    def __init__(self, folder: Path, *, real: bool = False, **universe: Any) -> None:
        super().__init__(folder, **universe)
        self.universe.clock.set(time.time())
        world = self.world
        self.board = Board(world.clock)
        self.logs = LogRequests(world)
        self.buckets = MemoryBuckets()
        self.dependencies = Dependencies()
        self.runtimes = Runtimes()
        self.last_logs = LastLogs()
        kept = MemoryQueues()
        self.firings, self.ledger = MemoryFirings(kept), MemoryLedger(kept)
        self.queues = QueueDesk.made(kept, world.installation, (world.clock, world.ids), b"secret")
        ledgers = (self.firings, self.ledger, self.queues.posting)
        find = partial(queue_of, world.installation)
        workers = Workers(world.store, world.installation, find)
        self.carrier = Carrier()
        self.topics = TopicDesk.made(
            MemoryTopics(), self.queues, (world.clock, world.ids), self.carrier
        )
        self.tables = TableService(MemoryTables(), world.clock, world.installation)
        self.objects = ObjectService(self.buckets, world.blobs, world.clock, world.installation)
        self.signals = SignalDesk(world.store)
        if real:
            world = self._provided()
        self.stacks = StackDesk(world)
        roster = Roster(world, self.logs)
        self.plant = Plant(
            world=world,
            board=self.board,
            roster=roster,
            rights=Rights(world, roster),
            logs=self.logs,
            lines=LogTaker(world),
            notices=Notices(world),
            watch=self.universe._ticker.watch,
            objects=self.objects,
            uploads=UploadService(self.buckets, world.blobs, world.clock, world.ids),
            queues=self.queues,
            topics=self.topics,
            stacks=self.stacks,
            signals=self.signals,
            tables=self.tables,
            messages=MessageLedger(self.ledger, self.queues),
            periodic=PeriodicDesk(world.store, workers, ledgers, world.clock.now),
            log_groups=LogService(world.logs, world.clock, world.installation),
            dependencies=self.dependencies,
            runtimes=self.runtimes,
            last_logs=self.last_logs,
            signer=Signer(*ADMIN, "us-east-1", "s3"),
        )
        self.keys = Keys(dict([ADMIN]), world.credentials)
        self.door = Door(self.plant, self.keys, SERVICES)
        self.agents = AgentsDoor(replace(self.plant), self.door).application()
        self.wire = Wire(self)
        self._clients: dict[tuple[str, tuple[str, ...]], Any] = {}

    def _provided(self) -> World:
        """Let stacks be made of the services that are called here, and return the world."""
        world, messages = self.world, (self.queues.queues, self.topics.topics)
        here = world.installation
        made = [
            *providers(messages, self.objects, self.tables, f"http://{HOST}"),
            *waiting(self.signals, world.clock, here, world.credentials.signature),
            NestedStacks(world.store, world.ids, here, partial(template_at, self.objects)),
        ]
        self.universe.world = replace(world, resources=ClaimedResources(world.store, made))
        self.universe.crash()
        return self.universe.world

    def restart(self) -> None:
        """Let another control plane take over; only for stacks that are made of our services."""
        self.stacks = StackDesk(self._provided())

    def client(self, service: str = "elasticbeanstalk", keys: tuple[str, ...] = ADMIN) -> Any:
        """Return AWS's own client of a service; with NOBODY as keys it does not sign."""
        if (service, keys) not in self._clients:
            client = boto3.client(
                service,
                region_name="us-east-1",
                endpoint_url=f"http://{HOST}",
                aws_access_key_id=keys[0],
                aws_secret_access_key=keys[1],
                aws_session_token=keys[2] if keys[2:] else None,
                config=Config(
                    retries={"total_max_attempts": 1},
                    parameter_validation=False,
                    s3={"addressing_style": "path"},
                    signature_version=UNSIGNED if keys == NOBODY else None,
                ),
            )
            client._endpoint.http_session = self.wire
            self._clients[service, keys] = client
        return self._clients[service, keys]

    @property
    def eb(self) -> Any:
        return self.client()

    def environment_id(self, name: str) -> str:
        (found,) = self.run(self.world.store.environments(EnvironmentQuery(names=(name,))))
        return str(found.id)

    def instance_keys(self, name: str = "web1") -> tuple[str, ...]:
        """Return the keys of the first instance of an environment: id, secret and token."""
        return self.keys_of(self.environment(self.environment_id(name)).members[0].id)

    def give(self, environment_id: str, *resources: Resource) -> None:
        """Let an environment's stack have resources that exist already."""
        found = self.environment(environment_id)
        owning = replace(found, resources=(*found.resources, *resources))
        self.run(self.world.store.commit([PutEnvironment(owning)]))

    def keys_of(self, instance: str) -> tuple[str, ...]:
        ends = int(self.world.clock.now()) + ROLE_S
        keys = self.world.credentials.temporary(instance, ends)
        return keys.access_key, keys.secret, keys.token

    def refusal(self, call: Any, **parameters: Any) -> tuple[int, str, str]:
        """Return status, code and message of a call that is refused."""
        try:
            call(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return status, error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError("it was not refused")

    def upload(self, key: str, files: Mapping[str, str]) -> dict[str, str]:
        """Upload a bundle, and return where it is as CreateApplicationVersion wants it."""
        bucket = self.eb.create_storage_location()["S3Bucket"]
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=bundle(files))
        return {"S3Bucket": bucket, "S3Key": key}

    def launch(self, name: str = "web1", size: int = 2, **wanted: Any) -> str:
        """Make an environment by the API, and return its id when it is ready."""
        settings = [
            option("aws:autoscaling:asg", "MinSize", str(size)),
            option("aws:autoscaling:asg", "MaxSize", str(size + 2)),
            *wanted.pop("OptionSettings", []),
        ]
        made = self.eb.create_environment(
            ApplicationName="app",
            EnvironmentName=name,
            SolutionStackName=PLATFORM,
            OptionSettings=settings,
            **{"VersionLabel": "v1", **wanted},
        )
        id_ = str(made["EnvironmentId"])
        self.settle(id_)
        self.step(5.0)
        return id_


def option(namespace: str, name: str, value: str) -> dict[str, str]:
    return {"Namespace": namespace, "OptionName": name, "Value": value}
