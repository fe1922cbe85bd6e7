"""Lines that instances send, taken into the log groups of their environment.

What an instance says of itself decides nothing: the group is its own environment's, the stream its
own, and the time ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.control.logs.groups import LogOptions, group_of
from jackbean.control.logs.pacing import Paces
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.ports.logs import Claim, LogEvent, LogGroup, LogStream

LINE_CHARS_MAX = 64 << 10  # at most 256 KiB
LINE_COST_BYTES = 100
GROUPS_MAX = 200  # of one environment
REMEMBERED_MAX = 10_000
BYTES_PER_S, BURST_BYTES = 5 << 20, 32 << 20  # from one instance: the others wait behind it
GAP = "[jackbean] Lines before this one are missing: they were gone before they could be sent."


@dataclass(frozen=True)
class Lines:
    """Bytes of a file of an instance: `path` as it is known there, `file` what tells it apart."""

    instance: str
    path: str
    file: str
    start: int
    data: bytes
    gap: bool = False


class NotStreamed(Exception):
    """The environment's settings do not ask for these lines."""


class TooFast(Exception):
    """An instance sends more than its share: the lines can wait where they are."""


class LogTaker:
    """What it remembers may be lost."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._options: dict[tuple[str, int], LogOptions] = {}
        self._latest: dict[tuple[str, str], int] = {}
        self._paces = Paces(BYTES_PER_S, BURST_BYTES)

    async def take(self, environment: Environment, lines: Lines) -> int:
        """Keep lines once; return how far their file is taken.

        Raises NotStreamed, TooFast, PortError.
        """
        options = await self._of(environment)
        if not options.stream:
            raise NotStreamed("The settings of this environment do not stream logs.")
        try:
            group = group_of(environment.name, lines.path)
        except ValueError as error:
            raise NotStreamed(str(error)) from None
        if not self._paces.take(lines.instance, _cost(lines.data), self._world.clock.now()):
            raise TooFast(f"At most {BYTES_PER_S >> 20} MiB of lines are taken in a second.")
        await ensure_group(self._world, environment, group, options)
        claim = Claim(
            lines.instance, lines.path, lines.file, lines.start, lines.start + len(lines.data)
        )
        return await self._append(group, lines, claim)

    async def publishes(self, environment: Environment) -> bool:
        """Whether the settings send rotated logs to the storage bucket."""
        return (await self._of(environment)).publish

    async def _append(self, group: str, lines: Lines, claim: Claim) -> int:
        logs, now_ms = self._world.logs, int(self._world.clock.now() * 1000)
        now_ms = max(now_ms, self._latest.get((group, lines.instance), 0))
        if len(self._latest) >= REMEMBERED_MAX:
            self._latest.clear()
        self._latest[group, lines.instance] = now_ms  # lines keep their order if the clock is set
        events = [LogEvent(now_ms, text, now_ms) for text in _texts(lines)]
        end = await logs.append(group, lines.instance, events, claim)
        if end is None:  # the first lines, or somebody deleted the stream
            await logs.add_stream(group, LogStream(lines.instance, now_ms))
            end = await logs.append(group, lines.instance, events, claim)
        return claim.end if end is None else end

    async def _of(self, environment: Environment) -> LogOptions:
        """Return what the newest release says that the environment is on, or on its way to."""
        operation = environment.operation
        number = (operation.release if operation else None) or environment.release or 0
        key = (environment.id, number)
        if key not in self._options:
            release = await self._world.store.release(*key)
            if release is None:
                raise NotStreamed("This environment has no settings yet.")
            for old in [known for known in self._options if known[0] == environment.id]:
                del self._options[old]
            self._options[key] = LogOptions.of(release.settings)
        return self._options[key]


async def ensure_group(
    world: World, environment: Environment, name: str, options: LogOptions
) -> None:
    """Make a group, or have it follow the settings where these have changed."""
    group = await world.logs.group(name)
    days = options.retention_days
    if group is None:
        known = await world.logs.groups()
        if sum(one.owner == environment.id for one in known) >= GROUPS_MAX:
            raise NotStreamed(f"This environment has {GROUPS_MAX} log groups already.")
        now_ms = int(world.clock.now() * 1000)
        made = LogGroup(name, now_ms, days, owner=environment.id, asked_days=days)
        await world.logs.add_group(made)
    elif (group.owner, group.asked_days) != (environment.id, days):
        kept = {} if group.asked_days == days else {"retention_days": days}
        await world.logs.change_group(name, owner=environment.id, asked_days=days, **kept)


async def end_groups(world: World, environment: Environment) -> None:
    """Remove the groups of an environment that has ended, if its settings say so."""
    release = (
        await world.store.release(environment.id, environment.release)
        if environment.release
        else None
    )
    if release is None:
        return
    for group in await world.logs.groups():
        health = group.name.endswith("/environment-health.log")
        options = LogOptions.of(release.settings, health=health)
        if group.owner == environment.id and options.delete_on_terminate:
            await world.logs.drop_group(group.name)


def _texts(lines: Lines) -> list[str]:
    """Return lines as events: none of them empty, or longer than an event may be."""
    found = [GAP] if lines.gap else []
    for line in lines.data.decode("utf-8", "replace").split("\n"):
        text = line.rstrip("\r")
        if len(text) <= LINE_CHARS_MAX:
            found.append(text)
        else:
            starts = range(0, len(text), LINE_CHARS_MAX)
            found += [text[start : start + LINE_CHARS_MAX] for start in starts]
    return [text for text in found if text]


def _cost(data: bytes) -> int:
    """Return what lines count for: short ones cost as much as those of a hundred bytes."""
    return len(data) + LINE_COST_BYTES * data.count(b"\n")
