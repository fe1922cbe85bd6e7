"""One installation on virtual time, driven call by call."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from jackbean.control import applications, environments, versions
from jackbean.control.environments import Creation, Update
from jackbean.core.applications import Application, Location, Version
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault
from jackbean.core.events import Event
from jackbean.core.options.settings import Setting
from jackbean.core.releases import Release
from jackbean.ports.store import EventQuery
from jackbean.simulator.blobs import MemoryBlobs
from jackbean.simulator.universe import BRANCH, Universe

Result = TypeVar("Result")
ASG = "aws:autoscaling:asg"
COMMAND = "aws:elasticbeanstalk:command"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
LAUNCH = "aws:autoscaling:launchconfiguration"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
READY_S = 300.0
MUST_BE_READY = "Environment named {} is in an invalid state for this operation. Must be Ready."


def sized(size: int, policy: str = "Rolling", batch: int = 1) -> tuple[Setting, ...]:
    """Return the settings of an environment of that many instances."""
    return (
        Setting(ASG, "MinSize", str(size)),
        Setting(ASG, "MaxSize", str(size + 2)),
        Setting(COMMAND, "DeploymentPolicy", policy),
        Setting(COMMAND, "BatchSizeType", "Fixed"),
        Setting(COMMAND, "BatchSize", str(batch)),
        Setting(COMMAND, "Timeout", "60"),
    )


def bundle(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def with_a_queue(**tags: object) -> dict[str, str]:
    """Return the files of a bundle with a queue that has these tags."""
    given = [{"Key": name, "Value": str(value)} for name, value in tags.items()]
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"Tags": given}}
    return {".ebextensions/queue.config": json.dumps({"Resources": {"Queue": queue}})}


class Distant:
    """A store as far away as a disk is: whoever asks it lets others go on meanwhile."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)

        async def call(*args: Any) -> Any:
            await asyncio.sleep(0)
            result = await real(*args)
            await asyncio.sleep(0)
            return result

        return call


class Rig:
    """A Universe with an application `app` and versions `v1` and `v2` of it."""

    def __init__(self, folder: Path | None = None, **universe: Any) -> None:
        self._runner = asyncio.Runner()
        self.run = self._runner.run
        self.universe = Universe(1, **universe)
        if folder is not None:
            self.universe.world = replace(self.universe.world, blobs=MemoryBlobs(folder))
            self.universe.crash()
        self.requests = 0
        self.run(applications.create_application(self.world, Application("app"), "app-request"))
        for label in ("v1", "v2"):
            self.version(label)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()

    @property
    def world(self) -> Any:
        return self.universe.world

    def at_once(self, *asked: Callable[[Any], Awaitable[Any]]) -> list[Any]:
        """Return what each request led to, the faults last; nobody waits for anybody's disk."""
        world = replace(self.world, store=Distant(self.world.store))

        async def race() -> list[Any]:
            return await asyncio.gather(*(a(world) for a in asked), return_exceptions=True)

        return sorted(self.run(race()), key=lambda result: isinstance(result, BaseException))

    def request(self) -> str:
        self.requests += 1
        return f"request-{self.requests}"

    # what somebody asks for

    def version(self, label: str, files: Mapping[str, str] | None = None) -> Version:
        """Make a version; its bytes are kept where there is a folder for them."""
        made = None
        if files is not None:
            made = versions.Bundle(Location("b", label), self.keep(bundle(files)))
        wanted = Version("app", label)
        return self.run(versions.create_version(self.world, wanted, made, self.request()))

    def keep(self, content: bytes) -> str:
        async def chunks() -> Any:
            yield content

        return str(self.run(self.world.blobs.put(chunks())).digest)

    def create(self, name: str = "web1", **wanted: Any) -> Environment:
        platform = self.world.platforms.catalogue.find(BRANCH)
        given = {"settings": sized(2), "request_id": self.request(), **wanted}
        creation = Creation(
            application=given.pop("application", "app"),
            name=name,
            platform=given.pop("platform", platform),
            **given,
        )
        return self.run(environments.create(self.world, creation))

    def update(self, name: str = "web1", **wanted: Any) -> Environment:
        given = {"request_id": self.request(), **wanted}
        return self.run(environments.update(self.world, name, Update(**given)))

    def terminate(self, name: str = "web1", request_id: str = "") -> Environment:
        request_id = request_id or self.request()
        return self.run(environments.terminate(self.world, name, request_id))

    def fault(self, asked: Awaitable[Any]) -> Fault:
        """Return what a request is refused with."""
        try:
            self.run(asked)
        except Fault as fault:
            return fault
        raise AssertionError("it was not refused")

    # what happens

    def step(self, seconds: float = 0.5) -> None:
        self.run(self.universe.pass_time(seconds))

    def until(self, holds: Callable[[], bool]) -> None:
        """Let time pass until something holds."""
        deadline = self.world.clock.now() + READY_S
        while not holds():
            if self.world.clock.now() > deadline:
                raise AssertionError("it never came to that")
            self.step()

    def settle(self, id_: str | None = None) -> Environment:
        """Let time pass until no operation is under way, and return the environment."""
        self.until(lambda: self.environment(id_).operation is None)
        return self.environment(id_)

    def running(self, size: int = 2, **wanted: Any) -> Environment:
        """Return an environment that is ready."""
        made = self.create(**{"label": "v1", "settings": sized(size), **wanted})
        ready = self.settle(made.id)
        self.step(5.0)
        return self.environment(ready.id)

    # what is there

    def environment(self, id_: str | None = None) -> Environment:
        """Return the environment of that id, else the one there is."""
        if id_ is None:
            (found,) = self.run(self.universe.environments())
            return found
        found = self.run(self.world.store.environment(id_))
        assert found is not None
        return found

    def release(self, number: int, id_: str | None = None) -> Release:
        found = self.run(self.world.store.release(self.environment(id_).id, number))
        assert found is not None
        return found

    def events(self, **query: Any) -> list[Event]:
        """Return events, the oldest first."""
        return self.run(self.world.store.events(EventQuery(**query)))[::-1]

    def told(self, **query: Any) -> list[str]:
        return [event.message for event in self.events(**query)]
