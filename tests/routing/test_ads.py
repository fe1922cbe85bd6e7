"""The server that Envoy dials, dialled by a client that says what no Envoy would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from envoy.service.discovery.v3 import discovery_pb2
from tests.routing.test_projection import routes

from jackbean.routing.ads import AdsServer
from jackbean.routing.projection import Facts, fresh, project
from jackbean.routing.protos import METHOD, SERVICE
from jackbean.routing.resources import Kind, Snapshot

SNAPSHOT = project({"e-1": fresh(routes(1))}, {}, Facts("x", 7080, "/dev/null"))
Request = discovery_pb2.DeltaDiscoveryRequest


class Caller:
    """A client on one stream."""

    def __init__(self, channel: Any) -> None:
        call = channel.stream_stream(
            f"/{SERVICE}/{METHOD}",
            request_serializer=Request.SerializeToString,
            response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
        )
        self.stream = call()

    async def say(self, kind: Kind | str, node: str = "n", **members: Any) -> None:
        url = kind.url if isinstance(kind, Kind) else kind
        request = Request(type_url=url, **members)
        request.node.id = node
        await self.stream.write(request)

    async def hear(self) -> Any:
        return await asyncio.wait_for(self.stream.read(), 5)


def call(
    directory: Path, work: Callable[[AdsServer, Caller, list[frozenset[str]]], Awaitable[None]]
) -> None:
    async def main() -> None:
        greeted: list[frozenset[str]] = []
        socket = directory / "s"
        server = AdsServer(socket, "n", greeted.append)
        await server.start()
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            await work(server, Caller(channel), greeted)
        await server.stop()

    asyncio.run(main())


def test_it_is_silent_until_there_is_something_to_say(tmp_path: Path) -> None:
    async def work(server: AdsServer, caller: Caller, greeted: list[frozenset[str]]) -> None:
        await caller.say(Kind.CLUSTER, initial_resource_versions={"e-1-0": "1"})
        reading = asyncio.ensure_future(caller.hear())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), 0.2)
        assert greeted == [frozenset({"e-1-0"})]
        server.offer(SNAPSHOT)
        first = await reading
        assert [r.name for r in first.resources] == list(SNAPSHOT.of(Kind.CLUSTER))
        assert list((await caller.hear()).removed_resources) == ["e-1-0"]

    call(tmp_path, work)


def test_types_that_nobody_serves_are_passed_over(tmp_path: Path) -> None:
    async def work(server: AdsServer, caller: Caller, _: list[frozenset[str]]) -> None:
        server.offer(SNAPSHOT)
        await caller.say("type.googleapis.com/nonsense")
        await caller.say(Kind.ENDPOINTS, resource_names_subscribe=["nobody"])
        await caller.say(Kind.LISTENER)
        assert (await caller.hear()).type_url == Kind.LISTENER.url

    call(tmp_path, work)


def test_a_refusal_is_kept_until_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(server: AdsServer, caller: Caller, _: list[frozenset[str]]) -> None:
        server.offer(SNAPSHOT)
        await caller.say(Kind.LISTENER)
        sent = await caller.hear()
        assert [r.name for r in sent.resources] == ["_main", "e-1"]
        refusal = Request(type_url=Kind.LISTENER.url, response_nonce=sent.nonce)
        refusal.error_detail.message = "bad listener e-1: " + "x" * 10_000
        await caller.stream.write(refusal)
        again = await caller.hear()  # after a while it is tried again
        (kept,) = server.refusals
        assert (kept.kind, kept.name) == (Kind.LISTENER, "e-1")
        assert len(kept.reason) == 2000
        assert [r.name for r in again.resources] == ["e-1"]
        await caller.say(Kind.LISTENER, response_nonce=again.nonce)
        while server.refusals:
            await asyncio.sleep(0)
        assert caplog.text.count("refused Listener 'e-1'") == 1

    call(tmp_path, work)


def test_a_refusal_is_over_when_nobody_wants_the_resource(tmp_path: Path) -> None:
    async def work(server: AdsServer, caller: Caller, _: list[frozenset[str]]) -> None:
        server.offer(SNAPSHOT)
        await caller.say(Kind.LISTENER)
        sent = await caller.hear()
        refusal = Request(type_url=Kind.LISTENER.url, response_nonce=sent.nonce)
        refusal.error_detail.message = "all of it is bad"
        await caller.stream.write(refusal)
        while len(server.refusals) < 2:  # the words name nobody: all are blamed
            await asyncio.sleep(0)
        server.offer(Snapshot({}))
        assert server.refusals == ()

    call(tmp_path, work)


def test_a_stranger_is_sent_away(tmp_path: Path) -> None:
    async def work(server: AdsServer, caller: Caller, _: list[frozenset[str]]) -> None:
        server.offer(SNAPSHOT)
        await caller.say(Kind.CLUSTER, node="other")
        with pytest.raises(grpc.aio.AioRpcError, match="this is the control plane of 'n'"):
            await caller.hear()
        assert not server.connected

    call(tmp_path, work)
