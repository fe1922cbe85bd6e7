"""Following logs, and the last logs of instances that are gone: what AWS has not."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from jackbean.api.elasticbeanstalk.environments import referred
from jackbean.api.plant import Call, Plant
from jackbean.control.following import WAIT_S_MAX, Wish
from jackbean.core.errors import Fault, invalid

Shape = dict[str, Any]
NAMES_MAX = 50
LINES_MAX = 10_000


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
    return {"FollowId": plant.logs.following.begin(environment, wish)}


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


FOLLOWING: Mapping[str, Any] = {
    "EndFollowing": end_following,
    "FetchLogLines": fetch_log_lines,
    "FollowLogs": follow_logs,
}


def _names(call: Call, member: str) -> tuple[str, ...]:
    given = call.members.get(member, [])
    if not isinstance(given, list) or len(given) > NAMES_MAX:
        raise invalid(f"{member} is a list of up to {NAMES_MAX} names.")
    if any(not isinstance(one, str) or not 1 <= len(one) <= 500 for one in given):
        raise Fault("InvalidParameterValue", f"{member} has names of up to 500 characters.")
    return tuple(given)
