"""One conversation with Envoy in the incremental xDS protocol, without any input or output.

Why incremental and not the state of the world: only what has changed travels, each resource has a
version and an answer of its own, and an Envoy that reconnects says which versions it has. So after
a restart of the control plane nothing at all is sent to it where nothing has changed; and what the
restarted control plane cannot describe any more can be left as it is, which the other protocol, in
which silence means removal, cannot say.

Order is make before break: clusters, their endpoints, listeners, routes, and only then the removal
of clusters that no route names any more. (Listeners are added and removed in one message: a new
one may take over the address of an old one.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jackbean.routing.resources import Kind, Resource, Snapshot

CHUNK = 50  # resources in one message: a large snapshot must not hold up the event loop
UNANSWERED_MAX = 1000


@dataclass(frozen=True)
class Ask:
    """What Envoy says: what it wants or no longer wants, or its answer to a delivery."""

    kind: Kind
    subscribe: Sequence[str] = ()
    unsubscribe: Sequence[str] = ()
    has: Mapping[str, str] = field(default_factory=dict)  # versions, when it connects
    nonce: str = ""
    refusal: str | None = None  # Envoy's words


@dataclass(frozen=True)
class Delivery:
    """What is sent in one message."""

    kind: Kind
    nonce: str
    resources: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What became of a delivery. `refusal` None: Envoy took all of it."""

    delivery: Delivery
    refusal: str | None = None


@dataclass
class Channel:
    """What one resource type of the conversation has come to.

    `has` are the versions, by name, that Envoy was sent or came with; `answered` the names that it
    has taken or refused at least once.
    """

    has: dict[str, str]
    subscribed: set[str]
    answered: set[str]


class Overrun(Exception):
    """Envoy takes no answer to what it is sent."""


class Conversation:
    def __init__(self) -> None:
        self._channels: dict[Kind, Channel] = {}
        self._unanswered: dict[str, Delivery] = {}
        self._nonces = 0

    @property
    def unanswered(self) -> int:
        return len(self._unanswered)

    def asked(self, kind: Kind) -> bool:
        return kind in self._channels

    def hear(self, ask: Ask) -> Answer | None:
        """Take in a message; return the answer to a delivery where it is one."""
        channel = self._channels.get(ask.kind)
        if channel is None:
            self._channels[ask.kind] = Channel(dict(ask.has), set(ask.subscribe), set(ask.has))
        else:
            channel.subscribed.update(ask.subscribe)
            channel.subscribed.difference_update(ask.unsubscribe)
            for name in (*ask.subscribe, *ask.unsubscribe):
                channel.has.pop(name, None)  # who asks again is told again
        delivery = self._unanswered.pop(ask.nonce, None)
        if delivery is None:
            return None
        self._channels[ask.kind].answered.update(r.name for r in delivery.resources)
        return Answer(delivery, ask.refusal)

    def answered(self, kind: Kind, name: str) -> bool:
        """Whether Envoy has taken or refused a resource of that name, in any version."""
        channel = self._channels.get(kind)
        return channel is not None and name in channel.answered and name in channel.has

    def took(self, resource: Resource) -> bool:
        """Whether Envoy has answered to just this version of a resource."""
        channel = self._channels.get(resource.kind)
        if channel is None or channel.has.get(resource.name) != resource.version:
            return False
        return not any(resource in delivery.resources for delivery in self._unanswered.values())

    def forget(self, resource: Resource) -> None:
        """Let a resource be sent again: it was refused, which may have passed by now."""
        channel = self._channels.get(resource.kind)
        if channel and channel.has.get(resource.name) == resource.version:
            del channel.has[resource.name]

    def due(self, snapshot: Snapshot) -> Iterator[Delivery]:
        """Yield what Envoy lacks of `snapshot`, and note it as sent."""
        for kind in Kind:
            yield from self._changes(kind, snapshot)
        yield from self._removals(Kind.CLUSTER, snapshot)

    def settled(self, snapshot: Snapshot) -> bool:
        """Whether Envoy has been sent all of `snapshot` and has answered."""
        if self._unanswered or len(self._channels) < len(self._kinds(snapshot)):
            return False
        return not any(self._changed(kind, snapshot) or self._gone(kind, snapshot) for kind in Kind)

    @staticmethod
    def _kinds(snapshot: Snapshot) -> list[Kind]:
        return [kind for kind in Kind if snapshot.of(kind)]

    def _changes(self, kind: Kind, snapshot: Snapshot) -> Iterator[Delivery]:
        changed = self._changed(kind, snapshot)
        removed = self._gone(kind, snapshot) if kind is Kind.LISTENER else []
        for start in range(0, len(changed), CHUNK):
            yield self._send(kind, changed[start : start + CHUNK], removed)
            removed = []
        if removed:
            yield self._send(kind, [], removed)

    def _removals(self, kind: Kind, snapshot: Snapshot) -> Iterator[Delivery]:
        gone = self._gone(kind, snapshot)
        if gone:
            yield self._send(kind, [], gone)

    def _changed(self, kind: Kind, snapshot: Snapshot) -> list[Resource]:
        channel = self._channels.get(kind)
        if channel is None:
            return []
        wanted = snapshot.of(kind)
        names = wanted.keys() if kind.wildcard else channel.subscribed & wanted.keys()
        return [wanted[n] for n in sorted(names) if channel.has.get(n) != wanted[n].version]

    def _gone(self, kind: Kind, snapshot: Snapshot) -> list[str]:
        """Return what Envoy has without being wanted; of the other types it lets go by itself."""
        channel = self._channels.get(kind)
        if channel is None or not kind.wildcard:
            return []
        kept = snapshot.of(kind).keys() | snapshot.held
        return sorted(channel.has.keys() - kept)

    def _send(self, kind: Kind, resources: Sequence[Resource], removed: Sequence[str]) -> Delivery:
        if len(self._unanswered) >= UNANSWERED_MAX:
            raise Overrun(f"Envoy has left {UNANSWERED_MAX} deliveries unanswered")
        self._nonces += 1
        delivery = Delivery(kind, str(self._nonces), tuple(resources), tuple(removed))
        has = self._channels[kind].has
        has.update((r.name, r.version) for r in resources)
        for name in removed:
            has.pop(name, None)
        self._unanswered[delivery.nonce] = delivery
        return delivery
