"""Changes of an environment's health as records in a log group, where its settings ask for that."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jackbean.control.logs.groups import HEALTH_LOG, LogOptions, prefix_of
from jackbean.control.logs.taking import NotStreamed, ensure_group
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import PortError
from jackbean.core.options.settings import Settings
from jackbean.ports.logs import LogEvent, LogStream

log = logging.getLogger("jackbean.health")


def worth_telling(before: Environment, after: Environment, settings: Settings) -> bool:
    """Whether the status has changed, and somebody wants a record of it."""
    changed = before.verdict.status != after.verdict.status
    return changed and LogOptions.of(settings, health=True).stream


async def tell_health(
    world: World, environment: Environment, settings: Settings, health: Mapping[str, Any]
) -> None:
    """Write a record of an environment's health. What cannot be written is left out."""
    now_ms = int(world.clock.now() * 1000)
    group = f"{prefix_of(environment.name)}{HEALTH_LOG}"
    day = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
    stream = f"{day}#{environment.id.removeprefix('e-')}"
    text = json.dumps(health, default=_plain)
    try:
        await ensure_group(world, environment, group, LogOptions.of(settings, health=True))
        await world.logs.add_stream(group, LogStream(stream, now_ms))
        await world.logs.append(group, stream, [LogEvent(now_ms, text, now_ms)])
    except (PortError, NotStreamed) as error:
        log.warning("no record of the health of %s: %s", environment.name, error)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
