"""What Envoy is told, as plain data: a Resource is one of its protobuf messages in JSON form.

A resource's version is a hash of its content. So the same intent has the same version before and
after a restart of the control plane, and Envoy, which remembers the versions it has, is sent only
what has really changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Body = Mapping[str, Any]

PREFIX = "type.googleapis.com/envoy."


class Kind(StrEnum):
    """The resource types, in the order in which they are sent: what is named before what names."""

    CLUSTER = "config.cluster.v3.Cluster"
    ENDPOINTS = "config.endpoint.v3.ClusterLoadAssignment"
    LISTENER = "config.listener.v3.Listener"
    ROUTES = "config.route.v3.RouteConfiguration"

    @property
    def url(self) -> str:
        return PREFIX + self.value

    @property
    def wildcard(self) -> bool:
        """Whether Envoy wants all there are, rather than those that another resource names."""
        return self in {Kind.CLUSTER, Kind.LISTENER}


@dataclass(frozen=True)
class Resource:
    kind: Kind
    name: str
    body: Body = field(compare=False)
    version: str = ""

    def __post_init__(self) -> None:
        if not self.version:
            object.__setattr__(self, "version", fingerprint(self.body))


@dataclass(frozen=True)
class Snapshot:
    """All that Envoy should have.

    Clusters that are `held` are kept though they are not described: an earlier control plane
    described them, and requests still go through them.
    """

    resources: Mapping[Kind, Mapping[str, Resource]]
    held: frozenset[str] = frozenset()

    def of(self, kind: Kind) -> Mapping[str, Resource]:
        return self.resources.get(kind, {})


def fingerprint(body: Body) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
