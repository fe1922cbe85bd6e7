"""Following logs, and the last logs of instances that are gone: what AWS has not."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from jackbean.api.elasticbeanstalk.environments import referred
from jackbean.api.elasticbeanstalk.monitoring import link_to
from jackbean.api.plant import Call, Plant
from jackbean.control.logs.following import WAIT_S_MAX, Wish
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault, invalid
from jackbean.ports.engine import Departed
from jackbean.ports.store import EnvironmentQuery
from jackbean.services.objects import Incoming, Write

Shape = dict[str, Any]
NAMES_MAX = 50
LINES_MAX = 10_000
SHARED_MAX = 50
ENDED_S = 7 * 86_400.0  # an environment that ended before has no logs any more


async def follow_logs(plant: Plant, call: Call) -> Shape:
    """Begin a live view of an environment's logs; its lines are fetched by the id in the answer.

    `InstanceIds` and `Files` (patterns of paths) narrow it; `Lines` or `Since` say how much of what
    is there already it begins with.
    """
    environment = await referred(plant, call)
    members = {m.id for m in environment.members}
    instances = _names(call, "InstanceIds")
    if unknown := [one for one in instances if one not in members]:
        raise invalid(f"There is no instance {unknown[0][:40]} in {environment.name}.")
    files = tuple(posixpath.join("/var/log", one) for one in _names(call, "Files"))
    lines, since = call.members.get("Lines", 10), call.members.get("Since", 0)
    if not isinstance(lines, int) or not 0 <= lines <= LINES_MAX:
        raise invalid(f"Lines is a number from 0 to {LINES_MAX}.")
    if not isinstance(since, (int, float)) or not 0 <= since < 1e11:
        raise invalid("Since is in seconds since 1970.")
    wish = Wish(instances, files, lines, float(since))
    return {"FollowId": plant.logs.following.begin(environment, wish, call.text("FollowId"))}


async def fetch_log_lines(plant: Plant, call: Call) -> Shape:
    """Return lines of a live view, waiting up to `WaitSeconds` for the first."""
    wait = call.members.get("WaitSeconds", WAIT_S_MAX)
    wait_s = float(wait) if isinstance(wait, (int, float)) else WAIT_S_MAX
    haul = await plant.logs.following.fetch(call.text("FollowId"), wait_s)
    return {
        "Lines": [{"InstanceId": i, "File": path, "Text": text} for i, path, text in haul.lines],
        "Missed": haul.missed,
        "Ended": haul.ended,
    }


async def end_following(plant: Plant, call: Call) -> Shape:
    plant.logs.following.end(call.text("FollowId"))
    return {}


async def share_last_logs(plant: Plant, call: Call) -> Shape:
    """Return links to the last logs of instances that are gone, also of an ended environment."""
    environment = await _ever(plant, call.text("EnvironmentName"))
    wanted = _names(call, "InstanceIds")
    found = await plant.last_logs.departed(environment.id)
    shared = [
        {
            "InstanceId": one.instance,
            "EndedAt": one.at,
            "Url": link_to(plant, call, await _shared(plant, environment.id, one)),
        }
        for one in found[:SHARED_MAX]
        if not wanted or one.instance in wanted
    ]
    return {"Instances": shared}


async def _ever(plant: Plant, name: str) -> Environment:
    """Return the environment that has, or had last, a name."""
    since = plant.world.clock.now() - ENDED_S
    query = EnvironmentQuery(names=(name,), terminated_since=since)
    found = await plant.world.store.environments(query)
    if not found:
        raise invalid(f"No Environment found for EnvironmentName = '{name[:80]}'.")
    return next((one for one in found if not one.terminated), found[-1])


async def _shared(plant: Plant, environment_id: str, one: Departed) -> str:
    """Put logs where a link can lead to them, and return their key."""
    bucket = plant.world.installation.bucket
    name = f"BundleLogs-{round(plant.world.clock.now() * 1000)}.zip"
    key = f"resources/environments/logs/bundle/{environment_id}/{one.instance}/{name}"
    await plant.objects.ensure_bucket(bucket)
    await plant.objects.put(Write(bucket, key), Incoming(_read(one.logs)))
    return key


async def _read(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)


FOLLOWING: Mapping[str, Any] = {
    "EndFollowing": end_following,
    "FetchLogLines": fetch_log_lines,
    "FollowLogs": follow_logs,
    "ShareLastLogs": share_last_logs,
}


def _names(call: Call, member: str) -> tuple[str, ...]:
    given = call.members.get(member, [])
    if not isinstance(given, list) or len(given) > NAMES_MAX:
        raise invalid(f"{member} is a list of up to {NAMES_MAX} names.")
    if any(not isinstance(one, str) or not 1 <= len(one) <= 500 for one in given):
        raise Fault("InvalidParameterValue", f"{member} has names of up to 500 characters.")
    return tuple(given)
