"""What resources are compared with what their template says: CloudFormation's drift. Pure.

Only what a template sets is compared, and only what can be known of a resource: a default that
somebody has changed is no drift. Values are compared as text (a template may say "30" for 30),
lists without regard to order, and one value is as good as a list of it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jackbean.stacks.graph import POLICY
from jackbean.stacks.types import provided
from jackbean.stacks.values import Value


class Drift(StrEnum):
    IN_SYNC = "IN_SYNC"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    NOT_CHECKED = "NOT_CHECKED"


# Types that something real is made of, and nobody can change but the stack.
UNCHECKED = frozenset(
    {
        "AWS::CloudFormation::Stack",
        "AWS::CloudFormation::WaitCondition",
        "AWS::CloudFormation::WaitConditionHandle",
    }
)
# Documents belong to whoever writes them: in them what has come besides is a difference, too.
DOCUMENTS = frozenset(
    {
        "DeliveryPolicy",
        "FilterPolicy",
        "Policy",
        "PolicyDocument",
        "RedriveAllowPolicy",
        "RedrivePolicy",
    }
)
# What tells one item of a list from another, where items are mappings.
IDENTITIES = ("Key", "IndexName", "AttributeName", "Sid", "Id", "Endpoint")


@dataclass(frozen=True)
class Different:
    """One property. `kind` is ADD, REMOVE or NOT_EQUAL; values are as the API tells them."""

    path: str
    kind: str
    expected: str
    actual: str


@dataclass(frozen=True)
class Compared:
    """What came of comparing a resource; `expected` and `actual` are JSON objects."""

    drift: Drift
    expected: str = ""
    actual: str = ""
    differences: tuple[Different, ...] = ()


def checkable(type_: str, logical_id: str) -> bool:
    """Whether resources of a type can be compared with their template."""
    return provided(type_, logical_id) and type_ not in UNCHECKED


def compare(properties: str, actual: Mapping[str, Value] | None) -> Compared:
    """Compare JSON properties with what there is; None: nothing is there.

    A property that `actual` does not have is not known; one that is None there is not set.
    """
    expected = {k: v for k, v in json.loads(properties or "{}").items() if k != POLICY}
    if actual is None:
        return Compared(Drift.DELETED, _text(expected))
    known = {name: value for name, value in expected.items() if name in actual}
    found = tuple(
        one for name, value in known.items() for one in _differences(name, value, actual[name])
    )
    told = {name: actual[name] for name in known if actual[name] is not None}
    unknown = {name: value for name, value in expected.items() if name not in actual}
    return Compared(
        Drift.MODIFIED if found else Drift.IN_SYNC,
        _text(expected),
        _text({**unknown, **told}),
        found,
    )


def _differences(name: str, expected: Value, actual: Value) -> Iterator[Different]:
    if actual is None and expected not in (None, "", [], {}):
        yield Different(f"/{name}", "REMOVE", _shown(expected), "null")
    elif actual is not None:
        yield from _in(f"/{name}", expected, actual, whole=name in DOCUMENTS)


def _in(path: str, expected: Value, actual: Value, *, whole: bool) -> Iterator[Different]:
    """Yield what differs; `whole`: keys that have come besides do."""
    if isinstance(expected, list) or isinstance(actual, list):
        yield from _in_lists(path, _listed(expected), _listed(actual), whole=whole)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        yield from _in_mappings(path, expected, actual, whole=whole)
    elif _plain(expected) != _plain(actual):
        yield Different(path, "NOT_EQUAL", _shown(expected), _shown(actual))


def _in_mappings(
    path: str, expected: dict[str, Value], actual: dict[str, Value], *, whole: bool
) -> Iterator[Different]:
    for key, value in expected.items():
        if actual.get(key) is None:
            yield Different(f"{path}/{key}", "REMOVE", _shown(value), "null")
        else:
            yield from _in(f"{path}/{key}", value, actual[key], whole=whole)
    for key in actual.keys() - expected.keys() if whole else ():
        yield Different(f"{path}/{key}", "ADD", "null", _shown(actual[key]))


def _in_lists(
    path: str, expected: list[Value], actual: list[Value], *, whole: bool
) -> Iterator[Different]:
    left = list(enumerate(actual))
    for at, item in enumerate(expected):
        found = next((one for one in left if _same_item(item, one[1])), None)
        if found is None:
            yield Different(f"{path}/{at}", "REMOVE", _shown(item), "null")
        else:
            left.remove(found)
            yield from _in(f"{path}/{at}", item, found[1], whole=whole)
    for at, item in left:
        yield Different(f"{path}/{at}", "ADD", "null", _shown(item))


def _same_item(one: Value, other: Value) -> bool:
    """Whether two items of lists stand for the same thing, though they may differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in IDENTITIES:
            if name in one or name in other:
                return bool(_plain(one.get(name)) == _plain(other.get(name)))
    return bool(_plain(one) == _plain(other))


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def _plain(value: Value) -> Any:
    """Return a value so that what means the same is equal."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case None:
            return ""
        case _:
            return str(value)


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else _text(value)


def _text(value: Value) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
