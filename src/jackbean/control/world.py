"""Everything outside that use cases and the loop may reach, in one hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from jackbean.control.bell import Bell
from jackbean.control.credentials import Credentials
from jackbean.control.platforms import Platforms
from jackbean.core.installation import Installation
from jackbean.ports.agents import Reports
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.depths import Depths
from jackbean.ports.engine import Engine
from jackbean.ports.logs import Logs
from jackbean.ports.objects import Blobs
from jackbean.ports.resources import Resources
from jackbean.ports.router import Router
from jackbean.ports.store import Store


@dataclass(frozen=True)
class World:
    """`names` is held from when an application or a version is looked up until it is saved.

    An environment needs no such thing: two saves of one record, or of one name, collide.
    `rehearsing` is held during a rehearsal: several at once would take threads and time from all.
    """

    installation: Installation
    store: Store
    engine: Engine
    router: Router
    reports: Reports
    logs: Logs
    blobs: Blobs
    resources: Resources
    depths: Depths
    clock: Clock
    ids: Ids
    credentials: Credentials
    platforms: Platforms
    bell: Bell
    names: asyncio.Lock = field(default_factory=asyncio.Lock)
    rehearsing: asyncio.Lock = field(default_factory=asyncio.Lock)
