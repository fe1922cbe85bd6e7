"""Where a command works: the folder, the cloud and the screen, made when first asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jackbean.cli.failures import Failure, NoEnvironment, NotSetUp
from jackbean.cli.screen import Screen
from jackbean.cli.whereabouts import Flags, find

if TYPE_CHECKING:  # imported when they are used: `--help` needs none of them
    from jackbean.cli.cloud import Cloud
    from jackbean.cli.outcomes import Goal
    from jackbean.cli.project import Project

Environment = Mapping[str, Any]


@dataclass
class Workplace:
    """What every command is handed. `flags` are filled in before the command runs."""

    screen: Screen = field(default_factory=Screen)
    flags: Flags = field(default_factory=Flags)

    @cached_property
    def project(self) -> Project:
        from jackbean.cli.project import Project

        return Project.around(Path.cwd())

    @cached_property
    def cloud(self) -> Cloud:
        from jackbean.cli.cloud import Cloud

        folder = {name: self.project.get(name) for name in ("profile", "default_region")}
        where = find(self.flags, folder, os.environ)
        self.screen.debug(f"Talking to {where.why}.")
        return Cloud(where, verify=self.flags.verify)

    def environment_name(self, named: str | None) -> str:
        """Return the environment that a command is about: the named one, or the branch's."""
        if named:
            return named
        if not self.project.known:
            raise NotSetUp
        if not self.project.environment:
            raise NoEnvironment(
                f"No environment is chosen for branch {self.project.branch}. Name one, choose one "
                "with `jb use ENVIRONMENT`, or make one with `jb create`."
            )
        return self.project.environment

    def environment(self, named: str | None) -> Environment:
        """Return what the server knows of the environment that a command is about."""
        name = self.environment_name(named)
        asked: dict[str, Any] = {"EnvironmentNames": [name], "IncludeDeleted": False}
        if self.project.application and not named:
            asked["ApplicationName"] = self.project.application
        found = self.cloud.beanstalk.describe_environments(**asked)["Environments"]
        if not found:
            raise Failure(
                f"There is no environment {name} at {self.cloud.endpoint}. `jb list --all` lists "
                "what there is; `jb create` makes one."
            )
        return dict(found[0])

    def await_end(self, goal: Goal, answer: Environment, timeout_min: float, **more: str) -> None:
        """Wait for what a request began, telling its events. Raises Failure if it fails."""
        from jackbean.cli.waiting import Awaited, wait

        awaited = Awaited(
            goal,
            answer["ResponseMetadata"]["RequestId"],
            more.get("environment") or answer.get("EnvironmentName", ""),
            more.get("environment_id") or answer.get("EnvironmentId", ""),
            more.get("version", ""),
            timeout_min * 60,
        )
        with self.screen.progress() as progress:
            wait(self.cloud, awaited, progress)
