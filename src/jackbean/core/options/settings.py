"""Option settings: what somebody chose, as one immutable value.

An option is named by namespace and name. Elastic Beanstalk also lets most settings carry the name
of the resource they end up on; that is decoration (with and without it they are the same setting,
so comparing must not see it), except in a few namespaces where it tells several things of a kind
apart: there it is part of the key.

Values are strings, as on the wire. They may be secrets, so no `repr` shows one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

Key = tuple[str, str, str]  # namespace, name, resource name ("" where it does not matter)

# Where several resources have the same options, and only the resource name tells them apart.
RESOURCE_BOUND = frozenset(
    {"aws:autoscaling:scheduledaction", "aws:cloudformation:template:resource:property"}
)
# Clients read the first setting of this namespace and take it for this one.
FIRST = ("aws:elasticbeanstalk:environment", "EnvironmentType", "")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One choice. `value` None is an option that is named but has no value."""

    namespace: str
    name: str
    value: str | None = field(repr=False)
    resource_name: str = ""

    @property
    def key(self) -> Key:
        return key(self.namespace, self.name, self.resource_name)


def key(namespace: str, name: str, resource_name: str = "") -> Key:
    """Return what identifies a setting."""
    return (namespace, name, resource_name if namespace in RESOURCE_BOUND else "")


class Settings:
    """Settings, at most one per key, sorted as Elastic Beanstalk lists them; the last one wins."""

    __slots__ = ("_hash", "_namespaces", "_values")

    def __init__(self, settings: Iterable[Setting] = ()) -> None:
        self._values: dict[Key, str | None] = _sorted(_values(settings))
        self._hash: int | None = None
        self._namespaces: frozenset[str] | None = None

    @classmethod
    def from_pairs(cls, pairs: Iterable[Any]) -> Settings:
        """Return what `to_pairs` made, after any trip through JSON.

        Raises ValueError where a pair has another shape.
        """
        values: dict[Key, str | None] = {}
        for pair in pairs:
            match pair:
                case ((str() as ns, str() as name, str() as resource), (str() | None) as value):
                    values[key(ns, name, resource)] = value
                case _:
                    raise ValueError("a stored setting is [[namespace, name, resource], value]")
        return cls._ordered(_sorted(values))

    def to_pairs(self) -> tuple[tuple[Key, str | None], ...]:
        """Return everything, in order, as nested tuples of strings that JSON can hold."""
        return tuple(self._values.items())

    @overload
    def text(self, namespace: str, name: str, default: str, resource_name: str = "") -> str: ...
    @overload
    def text(
        self, namespace: str, name: str, default: None = None, resource_name: str = ""
    ) -> str | None: ...
    def text(
        self, namespace: str, name: str, default: str | None = None, resource_name: str = ""
    ) -> str | None:
        """Return the value, or `default` where there is none."""
        value = self._values.get(key(namespace, name, resource_name))
        return default if value is None else value

    def number(self, namespace: str, name: str, default: int) -> int:
        """Return the value as a whole number; `default` where there is none or it is not one."""
        value = self.text(namespace, name, "")
        return int(value) if INTEGER.fullmatch(value) else default

    def flag(self, namespace: str, name: str, *, default: bool = False) -> bool:
        """Return the value as a boolean; `default` where there is none or it is not one."""
        value = self.text(namespace, name, "").lower()
        return value == "true" if value in {"true", "false"} else default

    def namespace(self, namespace: str) -> dict[str, str]:
        """Return name -> value of one namespace, without options that have no value."""
        return {
            name: value
            for (ns, name, _), value in self._values.items()
            if ns == namespace and value is not None
        }

    def resources(self, namespace: str) -> dict[str, dict[str, str]]:
        """Return resource name -> name -> value of a namespace that resources share."""
        found: dict[str, dict[str, str]] = {}
        for (ns, name, resource), value in self._values.items():
            if ns == namespace and value is not None:
                found.setdefault(resource, {})[name] = value
        return found

    def namespaces(self) -> frozenset[str]:
        if self._namespaces is None:
            self._namespaces = frozenset([ns for ns, _, _ in self._values])
        return self._namespaces

    def keys(self) -> frozenset[Key]:
        return frozenset(self._values)

    def with_(self, changes: Iterable[Setting]) -> Settings:
        """Return these settings with `changes` on top."""
        added = dict(changes.to_pairs()) if isinstance(changes, Settings) else _values(changes)
        if not added:
            return self
        values = {**self._values, **added}
        return self._ordered(values if len(values) == len(self._values) else _sorted(values))

    def without(self, keys: Iterable[Key | tuple[str, str]]) -> Settings:
        """Return these settings without `keys`; those that are not there are ignored."""
        gone = {key(*parts) for parts in keys}
        kept = {k: v for k, v in self._values.items() if k not in gone}
        return self if len(kept) == len(self._values) else self._ordered(kept)

    def differing(self, other: Settings) -> tuple[Key, ...]:
        """Return the keys, in order, that are in one only or have another value."""
        either = _sorted({**self._values, **other._values})
        missing = object()
        return tuple(
            k for k in either if self._values.get(k, missing) != other._values.get(k, missing)
        )

    def __iter__(self) -> Iterator[Setting]:
        for (namespace, name, resource), value in self._values.items():
            yield Setting(namespace, name, value, resource)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, wanted: Key | tuple[str, str]) -> bool:
        return key(*wanted) in self._values

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Settings) else NotImplemented

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(tuple(self._values.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"<Settings: {len(self)} in {len(self.namespaces())} namespaces>"

    @classmethod
    def _ordered(cls, values: dict[Key, str | None]) -> Settings:
        """Return settings of values that are in their order already."""
        made = cls()
        made._values = values
        return made


def _values(settings: Iterable[Setting]) -> dict[Key, str | None]:
    return {s.key: s.value for s in settings}


def _sorted(values: Mapping[Key, str | None]) -> dict[Key, str | None]:
    keys = sorted(values)
    if FIRST in values:
        keys.remove(FIRST)
        keys.insert(bisect_left(keys, FIRST[:1]), FIRST)
    return {k: values[k] for k in keys}
