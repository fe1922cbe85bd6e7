"""Waiting for the end of an operation: its events, and beside them the environment itself.

Events are asked for by the id of the request that began the operation. The environment is looked
at too, so that an operation which never says its last word is waited for no longer than `timeout`,
and usually much less. A server that is restarted meanwhile is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jackbean.cli.cloud import Cloud
from jackbean.cli.failures import Failure, Interrupted, Unreachable, explain
from jackbean.cli.lines import Event
from jackbean.cli.outcomes import FINAL, Goal, Outcome, conclude, judge
from jackbean.cli.screen import Progress

LOOKS_APART = 5  # polls between two looks at the environment
SILENT_POLLS = 10  # at rest and silent for that long: the last word will not come
LOST_S = 60.0  # how long a server may be away


@dataclass(frozen=True)
class Awaited:
    """An operation under way. `version` is the label that a deployment is to end with."""

    goal: Goal
    request_id: str
    environment: str = ""
    environment_id: str = ""
    version: str = ""
    timeout_s: float = 600.0


@dataclass
class Story:
    """What has been told of an operation, and how it ended."""

    goal: Goal
    outcome: Outcome | None = None
    since: datetime | None = None
    _told: set[tuple[datetime, str]] = field(default_factory=set)

    def absorb(self, newest_first: Sequence[Event]) -> list[Event]:
        """Return the events that are new, oldest first, up to the one that ends it."""
        fresh = []
        for event in reversed(newest_first):
            mark = (event["EventDate"], event["Message"])
            if mark in self._told or self.outcome:
                continue
            self._told.add(mark)
            self.since = event["EventDate"]
            self.outcome = judge(self.goal, event["Message"])
            fresh.append(event)
        return fresh


class Wait:
    """One operation being waited for."""

    def __init__(self, cloud: Cloud, awaited: Awaited, progress: Progress) -> None:
        self._cloud = cloud
        self._awaited = awaited
        self._progress = progress
        self._story = Story(awaited.goal)
        self._interval_s = 5.0 if cloud.aws else 0.2 if cloud.where.near else 0.5
        self._silent = 0

    def run(self) -> Outcome:
        """Return how it ended. Raises Failure at the timeout, Interrupted at Ctrl-C."""
        try:
            return self._poll()
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted: the operation goes on. {self._follow()}") from None

    def _poll(self) -> Outcome:
        deadline = time.monotonic() + self._awaited.timeout_s
        polls, lost_since = 0, None
        while True:
            try:
                self._look(at_environment=polls % LOOKS_APART == 0)
                lost_since = None
            except Exception as error:
                lost_since = self._lost(error, lost_since)
            if self._story.outcome:
                return self._story.outcome
            if time.monotonic() >= deadline:
                raise Failure(self._late(), "Timeout")
            time.sleep(self._interval_s)
            polls += 1

    def _look(self, *, at_environment: bool) -> None:
        query: dict[str, Any] = {"RequestId": self._awaited.request_id}
        if self._story.since:
            query["StartTime"] = self._story.since
        answer = self._cloud.beanstalk.describe_events(**query)
        fresh = self._story.absorb(answer["Events"])
        for event in fresh:
            self._progress.event(event)
        self._silent = 0 if fresh else self._silent + 1
        if at_environment and not self._story.outcome and self._awaited.environment_id:
            self._judge_by(self._environment())

    def _environment(self) -> Mapping[str, Any] | None:
        found = self._cloud.beanstalk.describe_environments(
            EnvironmentIds=[self._awaited.environment_id], IncludeDeleted=True
        )
        environments = found["Environments"]
        return environments[0] if environments else None

    def _judge_by(self, environment: Mapping[str, Any] | None) -> None:
        if environment is None:
            return
        status, health = environment["Status"], environment.get("HealthStatus") or ""
        self._progress.state(f"{environment['EnvironmentName']}: {status} {health}".rstrip())
        if status in FINAL and self._silent >= SILENT_POLLS:
            self._story.outcome = conclude(self._awaited.goal, environment, self._awaited.version)

    def _lost(self, error: Exception, since: float | None) -> float:
        """Return since when the server is away. Raises for other errors, and after a while."""
        failure = explain(error, self._cloud.endpoint)
        busy = failure.code in ("ServiceUnavailable", "Throttling", "ThrottlingException")
        if not (isinstance(failure, Unreachable) or busy):
            raise error
        now = time.monotonic()
        if since is not None and now - since > LOST_S:
            raise Unreachable(f"{failure.message} {self._follow()}")
        self._progress.state("nobody answers; asking again")
        return now if since is None else since

    def _late(self) -> str:
        minutes = self._awaited.timeout_s / 60
        return (
            f"It has not ended within {minutes:g} minutes (--timeout); it goes on. {self._follow()}"
        )

    def _follow(self) -> str:
        name = self._awaited.environment
        if not name:
            return "See `jb list --all`."
        return f"Follow it with `jb events --follow {name}`, or look with `jb status {name}`."


def wait(cloud: Cloud, awaited: Awaited, progress: Progress) -> None:
    """Return when it has succeeded. Raises Failure where it has not."""
    outcome = Wait(cloud, awaited, progress).run()
    if not outcome.succeeded:
        name = awaited.environment
        advice = f" See `jb events {name}` and `jb logs {name}`." if name else ""
        raise Failure(outcome.message + advice, "OperationFailed")
