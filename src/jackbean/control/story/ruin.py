"""The story of a release that is given up because it fails most of its requests."""

from __future__ import annotations

from collections.abc import Iterator

from jackbean.control.ruining import ruined
from jackbean.control.scene import Scene
from jackbean.core.operations import Operation
from jackbean.core.tallies import Served

RUIN = (
    "The new {what} fails most of its requests: {new} to it failed, and {old} to the old one. "
    "Giving it up."
)


def giving_up(before: Operation | None, after: Operation, scene: Scene) -> Iterator[str]:
    """Yield why, in the moment in which it is decided."""
    was, now = before.rollout if before else None, after.rollout
    if before is None or was is None or now is None or after.aborted:
        return
    found = ruined(before, scene) if now.aborted and not was.aborted else None
    if found:
        what = "configuration" if after.configuration_only else "version"
        yield RUIN.format(what=what, new=_share(found.new), old=_share(found.old))


def _share(served: Served) -> str:
    return f"{100 * served.harmed / served.requests:.3g} % of {served.requests:,} requests"
