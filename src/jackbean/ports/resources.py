"""Where the resources of stacks live: queues, topics, buckets, tables.

A stack's record says what is wanted of each resource, under a physical name that was chosen and
saved before anything was made. What is here makes it so, as often as it is asked: a control plane
that died half-way asks again, and finds what it had made. So nothing has to be looked up, and
nothing can be lost sight of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jackbean.core.resources import Gone, Made, Underway

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """One resource of a stack as it is to be, all functions in its properties evaluated.

    `id` is its logical id in `stack`, `name` its physical name, unique among those of its type.
    `former` are its properties before the change under way; None: there is none.
    """

    stack: str
    id: str
    type: str
    name: str
    properties: Properties = field(default_factory=dict)
    former: Properties | None = None

    @property
    def owner(self) -> str:
        return f"{self.stack}/{self.id}"


class Provider(Protocol):
    """Resources of some types. What takes long goes on by itself, and is asked for again."""

    @property
    def types(self) -> Collection[str]: ...

    async def exists(self, wanted: Wanted) -> bool:
        """Whether there is anything of that type and name, whoever made it."""
        ...

    async def ensure(self, wanted: Wanted) -> Made | Underway:
        """Make it, or change it to what is wanted; what is so already stays as it is.

        Raises a Fault for what can never be, PortError for what may be later.
        """
        ...

    async def remove(self, wanted: Wanted) -> Gone | Underway:
        """End it; what is not there is gone. Raises a Fault where it must stay, and PortError."""
        ...

    async def read(self, wanted: Wanted) -> Properties | None:
        """Return its properties as they are, in the words of templates; None: it is not there.

        What is not known is left out; what is known not to be set is None. Raises PortError.
        """
        ...


class Resources(Protocol):
    """Those of all types. A resource belongs to who made it: no other stack changes or ends it."""

    async def ensure(self, wanted: Wanted) -> Made | Underway:
        """Like Provider's. Raises a Fault also where the name is taken by somebody else's."""
        ...

    async def remove(self, wanted: Wanted) -> Gone | Underway:
        """Like Provider's; what belongs to somebody else is gone, and stays."""
        ...

    async def read(self, wanted: Wanted) -> Properties | None:
        """Like Provider's; what belongs to somebody else is not there."""
        ...
