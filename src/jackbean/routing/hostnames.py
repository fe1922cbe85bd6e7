"""Which environment a hostname leads to, while environments are published one after another.

Two environments that swap names are published one first: for a moment a name is wanted twice and
another not at all. So the newest claim wins, and a name that was given up leads where it led for a
while longer, until somebody claims it. A request never meets a name that both have forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

LINGER_S = 2.0  # much longer than publishing takes, much shorter than anybody waits for a name


@dataclass(frozen=True)
class Hostnames:
    owners: Mapping[str, str] = field(default_factory=dict)  # hostname -> environment id
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by environment id
    dropped: Mapping[str, float] = field(default_factory=dict)  # hostname -> when

    def publish(self, environment_id: str, hostnames: frozenset[str], now: float) -> Hostnames:
        """Return the names after `environment_id` has asked for exactly `hostnames`."""
        before = self.wanted.get(environment_id, frozenset())
        if hostnames == before:
            return self
        wanted = {**self.wanted, environment_id: hostnames}
        owners, dropped = dict(self.owners), dict(self.dropped)
        for name in hostnames - before:
            owners[name] = environment_id
            dropped.pop(name, None)
        for name in before - hostnames:
            if owners.get(name) == environment_id:
                heir = _heir(name, wanted)
                if heir is None:
                    dropped[name] = now
                else:
                    owners[name] = heir
        return Hostnames(owners, wanted, dropped)

    def withdraw(self, environment_id: str) -> Hostnames:
        """Return the names with none that leads to an environment that is gone."""
        wanted = {i: names for i, names in self.wanted.items() if i != environment_id}
        heirs = {
            name: _heir(name, wanted) if owner == environment_id else owner
            for name, owner in self.owners.items()
        }
        owners = {name: heir for name, heir in heirs.items() if heir is not None}
        return Hostnames(owners, wanted, {n: t for n, t in self.dropped.items() if n in owners})

    def expire(self, now: float) -> Hostnames:
        """Return the names without those that were given up a while ago."""
        over = {n for n, since in self.dropped.items() if now - since >= LINGER_S}
        if not over:
            return self
        return replace(
            self,
            owners={n: owner for n, owner in self.owners.items() if n not in over},
            dropped={n: since for n, since in self.dropped.items() if n not in over},
        )


def _heir(name: str, wanted: Mapping[str, frozenset[str]]) -> str | None:
    return min((i for i, names in wanted.items() if name in names), default=None)
