"""Lines of logs as they are written, from Jackbean or from CloudWatch Logs."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import click

from jackbean.cli.cloud import Cloud
from jackbean.cli.failures import Failure, Unreachable, explain

WAIT_S = 10.0
AGAIN_S = 1.0
LOST_S = 60.0  # how long a server may be away
SEEN_MAX = 20_000
BEHIND_MS = 10_000  # CloudWatch Logs shows lines late, and not in order
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
AGO = re.compile(r"(\d{1,6})([smhd])")


@dataclass(frozen=True)
class Asked:
    """`since` is in seconds since 1970, 0 for the last `lines` of what is there."""

    environment: str
    instances: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    lines: int = 10
    since: float = 0.0


@dataclass(frozen=True)
class Found:
    instance: str
    file: str
    text: str


Note = Callable[[str], None]


def instant(said: str, now: float) -> float:
    """Return when "10m" ago was, or an ISO 8601 date. Raises UsageError."""
    if ago := AGO.fullmatch(said):
        return now - int(ago[1]) * UNITS[ago[2]]
    try:
        return datetime.fromisoformat(said).astimezone().timestamp()
    except ValueError:
        raise click.UsageError(
            f"--since {said}: say how long ago (90s, 10m, 2h, 1d), or a date as "
            "2026-01-31T12:00:00Z."
        ) from None


class Follower:
    """Jackbean's live view. A server that is started again meanwhile is asked anew."""

    def __init__(self, cloud: Cloud, asked: Asked, note: Note) -> None:
        self._cloud = cloud
        self._asked = asked
        self._note = note
        self._id = ""

    def lines(self) -> Iterator[Found]:
        """Yield lines until the environment ends. Raises Failure."""
        lost_since: float | None = None
        while True:
            try:
                answer = self._fetch()
            except Exception as error:
                lost_since = self._lost(error, lost_since)
                time.sleep(AGAIN_S)
                continue
            if lost_since is not None:
                self._note("The server answers again.")
                lost_since = None
            self._asked = replace(self._asked, since=0.0, lines=0)  # if it is to be asked anew
            if answer["Missed"]:
                self._note(f"{answer['Missed']} lines were too many to show.")
            for line in answer["Lines"]:
                yield Found(line["InstanceId"], line["File"], line["Text"])
            if answer["Ended"]:
                self._note(f"{self._asked.environment} has been terminated.")
                return

    def end(self) -> None:
        """Let the server forget us, if it is there."""
        if self._id:
            with suppress(Exception):  # it forgets us by itself soon
                self._cloud.extension("EndFollowing", FollowId=self._id)

    def _fetch(self) -> dict[str, Any]:
        if not self._id:
            self._id = self._begin()
        try:
            return self._cloud.extension("FetchLogLines", FollowId=self._id, WaitSeconds=WAIT_S)
        except Failure as failure:
            if failure.code != "NoSuchFollower":
                raise
            self._id = self._begin()
            return self._cloud.extension("FetchLogLines", FollowId=self._id, WaitSeconds=WAIT_S)

    def _begin(self) -> str:
        asked = self._asked
        answer = self._cloud.extension(
            "FollowLogs",
            EnvironmentName=asked.environment,
            InstanceIds=list(asked.instances),
            Files=list(asked.files),
            Lines=asked.lines,
            Since=asked.since,
            FollowId=self._id,
        )
        return str(answer["FollowId"])

    def _lost(self, error: Exception, since: float | None) -> float:
        """Return since when the server is away. Raises for other errors, and after a while."""
        failure = error if isinstance(error, Failure) else explain(error, self._cloud.endpoint)
        busy = failure.code in ("ServiceUnavailable", "Throttling")
        if not (isinstance(failure, Unreachable) or busy):
            raise failure
        now = time.monotonic()
        if since is None:
            self._note("Nobody answers; asking again.")
            return now
        if now - since > LOST_S:
            raise failure
        return since


class Streamer:
    """Log groups, as CloudWatch Logs has them: for AWS, and for what is streamed here."""

    def __init__(self, cloud: Cloud, asked: Asked, groups: tuple[str, ...]) -> None:
        self._cloud = cloud
        self._asked = asked
        self._groups = groups
        self._seen: deque[str] = deque(maxlen=SEEN_MAX)

    def lines(self) -> Iterator[Found]:
        """Yield events until interrupted. Raises Failure."""
        start = int((self._asked.since or time.time()) * 1000)
        while True:
            now = int(time.time() * 1000)
            for group in self._groups or self._of_environment():
                yield from self._events(group, start)
            start = max(start, now - BEHIND_MS)
            time.sleep(AGAIN_S)

    def end(self) -> None:
        return None

    def _of_environment(self) -> tuple[str, ...]:
        prefix = f"/aws/elasticbeanstalk/{self._asked.environment}/"
        pages = self._cloud.logs.get_paginator("describe_log_groups")
        found = tuple(
            group["logGroupName"]
            for page in pages.paginate(logGroupNamePrefix=prefix)
            for group in page["logGroups"]
        )
        if not found:
            raise Failure(
                f"There are no log groups {prefix}...: `jb logs --cloudwatch-logs enable` streams "
                "logs there.",
                "ResourceNotFoundException",
            )
        return found

    def _events(self, group: str, start: int) -> Iterator[Found]:
        pages = self._cloud.logs.get_paginator("filter_log_events")
        file = group.removeprefix(f"/aws/elasticbeanstalk/{self._asked.environment}")
        known = set(self._seen)
        for page in pages.paginate(logGroupName=group, startTime=start):
            for event in page["events"]:
                instance = event["logStreamName"]
                if event["eventId"] not in known and self._wants(instance):
                    self._seen.append(event["eventId"])
                    yield Found(instance, file, event["message"])

    def _wants(self, instance: str) -> bool:
        return not self._asked.instances or instance in self._asked.instances
