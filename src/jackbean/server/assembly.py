"""The one place that constructs: ports meet adapters here, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from jackbean.api import balancing, deployments, extension, identity, messages, periodic
from jackbean.api.agents import AgentsDoor
from jackbean.api.cloudformation import CLOUDFORMATION
from jackbean.api.door import Door, Services
from jackbean.api.dynamodb import DYNAMODB
from jackbean.api.elasticbeanstalk.operations import OPERATIONS
from jackbean.api.logs import LOGS
from jackbean.api.plant import Plant
from jackbean.api.sns import SNS
from jackbean.api.sqs import SQS
from jackbean.control.bell import Bell
from jackbean.control.board import Board
from jackbean.control.credentials import Credentials
from jackbean.control.logs.requests import LogRequests
from jackbean.control.logs.taking import LogTaker
from jackbean.control.loop import Loop
from jackbean.control.notices import Notices
from jackbean.control.platforms import Platforms
from jackbean.control.principals import Keys
from jackbean.control.rights import Rights
from jackbean.control.roster import Roster
from jackbean.control.stacks.desk import StackDesk
from jackbean.control.stacks.nesting import NestedStacks
from jackbean.control.tick import Ticker
from jackbean.control.world import World
from jackbean.core.installation import Installation
from jackbean.core.platforms.catalogue import Catalogue
from jackbean.engines.process.dependencies import ProcessDependencies
from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.prepare import Api
from jackbean.engines.process.runtimes import ProcessRuntimes
from jackbean.ports.clock import Clock
from jackbean.ports.resources import Provider
from jackbean.server.clock import RandomIds, SystemClock
from jackbean.server.home import Identity
from jackbean.server.housekeeping import Housekeeping, Storage
from jackbean.server.messaging import Messaging, messaging
from jackbean.server.options import ServeOptions
from jackbean.server.proxy import make_router
from jackbean.server.samples import keep_samples
from jackbean.services.logs import LogService
from jackbean.services.objects import ObjectService, UploadService
from jackbean.services.objects.templates import template_at
from jackbean.services.periodic import Scheduler
from jackbean.services.queues import MessageLedger, QueueDepths
from jackbean.services.resources import ClaimedResources, providers, waiting
from jackbean.services.signals import SignalDesk
from jackbean.services.tables import TableService
from jackbean.storage.blobs import FileBlobs
from jackbean.storage.buckets import SqliteBuckets
from jackbean.storage.logs import SqliteLogs
from jackbean.storage.sqlite import SqliteStore
from jackbean.storage.tables import SqliteTables
from jackbean.wire.sigv4 import Signer

SERVICES: Services = {
    "dynamodb": DYNAMODB,
    "elasticbeanstalk": OPERATIONS,
    "iam": identity.IAM,
    "sts": identity.STS,
    "ec2": balancing.EC2,
    "elb": balancing.ELB,
    "elbv2": balancing.ELBV2,
    "logs": LOGS,
    "cloudformation": CLOUDFORMATION,
    "sns": SNS,
    "sqs": SQS,
    "jackbean": {
        **extension.EXTENSION,
        **deployments.DEPLOYMENTS,
        **messages.MESSAGES,
        **periodic.PERIODIC,
    },
}


@dataclass(frozen=True)
class Assembly:
    """A control plane, ready to run."""

    door: Door
    agents: AgentsDoor
    loop: Loop
    plant: Plant
    engine: ProcessEngine
    scheduler: Scheduler
    housekeeping: Housekeeping


@dataclass(frozen=True)
class _Files:
    """The databases that hold records, objects' names, tables and lines of logs; and the bytes."""

    store: SqliteStore
    buckets: SqliteBuckets
    tables: SqliteTables
    logs: SqliteLogs
    blobs: FileBlobs


@dataclass(frozen=True)
class _Desks:
    """What answers requests, and is asked by what answers others."""

    stacks: StackDesk
    signals: SignalDesk
    board: Board


class _Closable(Protocol):
    async def close(self) -> None: ...


File = TypeVar("File", bound=_Closable)


def _opened(stack: AsyncExitStack, data: Path, clock: Clock) -> _Files:
    """Open them one after another; each is closed again whatever becomes of the next."""

    def kept(file: File) -> File:
        stack.push_async_callback(file.close)
        return file

    return _Files(
        kept(SqliteStore.open(data / "jackbean.db", clock)),
        kept(SqliteBuckets.open(data / "objects.db")),
        kept(SqliteTables.open(data / "tables.db")),
        kept(SqliteLogs.open(data / "logs.db")),
        FileBlobs(data / "objects"),
    )


@asynccontextmanager
async def assemble(options: ServeOptions, identity: Identity, api: Api) -> AsyncIterator[Assembly]:
    """Open everything, and close it again; instances and Envoy go on without us."""
    data, secret = options.data_dir, bytes.fromhex(identity.secret)
    async with AsyncExitStack() as stack:
        clock, ids = SystemClock(), RandomIds()
        files = _opened(stack, data, clock)
        installation = _installation(identity, options)
        queueing = await stack.enter_async_context(
            messaging(data, installation, (clock, ids), secret)
        )
        engine = ProcessEngine(data, mode=options.engine, api=api)
        await engine.adopt()
        router = make_router(options, identity)
        await router.start()
        stack.push_async_callback(router.close)
        storage = _stored(files, queueing, clock, installation)
        credentials, board, signals = Credentials(secret), Board(clock), SignalDesk(files.store)
        read_url = partial(template_at, storage.objects)
        nested = NestedStacks(files.store, ids, installation, read_url)
        waits = waiting(signals, clock, installation, credentials.signature)
        makers = [*_providers(storage, options), *waits, nested]
        world = World(
            installation=_reached(installation, engine, api),
            store=files.store,
            engine=engine,
            router=router,
            reports=board,
            logs=files.logs,
            blobs=files.blobs,
            resources=ClaimedResources(files.store, makers),
            depths=QueueDepths(queueing.queues.queues),
            clock=clock,
            ids=ids,
            credentials=credentials,
            platforms=Platforms(
                _catalogue(identity.region, engine), await keep_samples(files.blobs)
            ),
            bell=Bell(),
        )
        desks = _Desks(StackDesk(world, nested.rung), signals, board)
        yield _wired(desks, storage, engine, identity)


def _stored(
    files: _Files, queueing: Messaging, clock: Clock, installation: Installation
) -> Storage:
    """Return the services on what was opened."""
    return Storage(
        files.store,
        files.buckets,
        ObjectService(files.buckets, files.blobs, clock, installation),
        queueing,
        LogService(files.logs, clock, installation),
        TableService(files.tables, clock, installation),
    )


def _installation(identity: Identity, options: ServeOptions) -> Installation:
    return Installation(identity.region, identity.account, options.domain, options.http_port)


def _reached(installation: Installation, engine: ProcessEngine, api: Api) -> Installation:
    """Return the installation with where its instances reach AWS's services."""
    gateway = engine.gateway[0] if engine.gateway else None
    return replace(installation, endpoint=api.endpoint(gateway))


def _providers(storage: Storage, options: ServeOptions) -> list[Provider]:
    """Return what makes the resources of stacks, by their types."""
    base_url = f"http://{options.host}:{options.port}"
    messages = (storage.messaging.queues.queues, storage.messaging.topics.topics)
    return providers(messages, storage.objects, storage.tables, base_url)


def _catalogue(region: str, engine: ProcessEngine) -> Catalogue:
    described = engine.describe()
    return Catalogue(region, described.platforms, described.stand_ins)


def _wired(desks: _Desks, storage: Storage, engine: ProcessEngine, identity: Identity) -> Assembly:
    world = desks.stacks.world
    ticker, logs, queueing = Ticker(world), LogRequests(world), storage.messaging
    roster = Roster(world, logs)
    plant = Plant(
        world=world,
        board=desks.board,
        roster=roster,
        rights=Rights(world, roster),
        logs=logs,
        lines=LogTaker(world),
        notices=Notices(world),
        watch=ticker.watch,
        objects=storage.objects,
        uploads=UploadService(storage.buckets, world.blobs, world.clock, world.ids),
        queues=queueing.queues,
        topics=queueing.topics,
        stacks=desks.stacks,
        signals=desks.signals,
        tables=storage.tables,
        messages=MessageLedger(queueing.ledger, queueing.queues),
        periodic=queueing.periodic(world),
        log_groups=storage.logs,
        dependencies=ProcessDependencies(engine),
        runtimes=ProcessRuntimes(engine),
        last_logs=engine,
        signer=Signer(identity.access_key, identity.secret_key, identity.region, "s3"),
    )
    keys = Keys({identity.access_key: identity.secret_key}, world.credentials)
    door = Door(plant, keys, SERVICES)
    return Assembly(
        door=door,
        agents=AgentsDoor(plant, door),
        loop=Loop(world, ticker),
        plant=plant,
        engine=engine,
        scheduler=plant.periodic.scheduler,
        housekeeping=Housekeeping(world, storage),
    )
