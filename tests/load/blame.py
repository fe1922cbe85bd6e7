"""Why a request failed, as far as the load balancer knows: its line in the access log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.load.tally import Loss

FLAGS = {
    "UF": "no connection could be made to it",
    "UC": "it closed the connection under the request",
    "URX": "all attempts failed",
    "UH": "no instance was in service and healthy",
    "NC": "the environment had no cluster",
    "NR": "no route led there",
    "DC": "the visitor left",
    "UT": "it did not answer in time",
    "SI": "nothing was said for too long",
}


def lines_of(log: Path, losses: Iterable[Loss]) -> dict[str, dict[str, Any]]:
    """Return the lines of these requests by path; an upgraded connection's comes when it ends."""
    wanted = {loss.path for loss in losses}
    found: dict[str, dict[str, Any]] = {}
    if not wanted or not log.exists():
        return found
    with log.open() as lines:
        for line in lines:
            said = json.loads(line)
            if said.get("path") in wanted:
                found[said["path"]] = said
    return found


def explained(loss: Loss, line: dict[str, Any] | None) -> str:
    if line is None:
        return f"{loss}; the load balancer has logged nothing of it"
    flags = str(line["flags"]).split(",")
    why = "; ".join(FLAGS[flag] for flag in flags if flag in FLAGS) or "so it answered itself"
    return (
        f"{loss}; {line['instance']} had it, from {line['time']} for {line['ms']} ms: "
        f"{line['status']} {line['flags']} ({why})"
    )
