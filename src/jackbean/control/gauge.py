"""How full the queues of worker environments are, looked at now and then.

What is remembered is the last look and what looks asked for a while ago; all of it may be lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.control.workers import queue_of
from jackbean.core.environments import Environment
from jackbean.core.errors import PortError
from jackbean.core.installation import Installation
from jackbean.core.options.settings import Settings
from jackbean.core.options.views import CapacityOptions
from jackbean.core.options.workers import ScalingOptions
from jackbean.core.records import replace
from jackbean.core.releases import Release
from jackbean.core.scaling import Bounds, Pace, Wish, Wishes, scaled, wanted
from jackbean.ports.depths import Depth, Depths

LOOK_S = 5.0  # between two looks at a queue


@dataclass(frozen=True)
class Reading:
    """How full a queue was at an instant; `depth` None: there is no such queue."""

    at: float
    depth: Depth | None


class Gauge:
    """Looks at queues, and knows how many instances each asks for."""

    def __init__(self, depths: Depths, installation: Installation) -> None:
        self._installation = installation
        self._depths = depths
        self._readings: dict[str, Reading] = {}
        self._wishes: dict[str, Wishes] = {}

    async def look(self, environment: Environment, release: Release, now: float) -> Reading | None:
        """Return the newest reading of a worker's queue; None where nobody can say."""
        if not environment.worker:
            return None
        last = self._readings.get(environment.id)
        if last is not None and now - last.at < LOOK_S:
            return last
        try:
            depth = await self._depths.look(queue_of(self._installation, environment, release))
        except PortError:  # whoever waits for it goes by the last one
            return last
        reading = self._readings[environment.id] = Reading(now, depth)
        return reading

    def capacity(
        self, environment: Environment, settings: Settings, reading: Reading
    ) -> int | None:
        """Return how many instances there should be from now on; None: as many as there are.

        What is asked for while an operation is under way is remembered, and not followed.
        """
        options = ScalingOptions.of(settings)
        if options.backlog is None or reading.depth is None:
            return None
        capacity = CapacityOptions.of(settings)
        pace = Pace(options.backlog, options.out_s, options.in_s)
        count = wanted(reading.depth.backlog, pace, Bounds(capacity.minimum, capacity.maximum))
        before = self._wishes.get(environment.id) or Wishes(reading.at)
        after, desired = scaled(before, environment.desired, Wish(reading.at, count), pace)
        if environment.operation is not None:
            after, desired = replace(after, changed=before.changed), environment.desired
        self._wishes[environment.id] = after
        return desired

    def forget(self, environment_id: str) -> None:
        self._readings.pop(environment_id, None)
        self._wishes.pop(environment_id, None)
