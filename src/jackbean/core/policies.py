"""What a resource's policy grants: AWS's policy language, as far as callers here can differ.

A caller is one of this account. Granting the account's root delegates to what its roles may do
anyway, as on AWS, and so grants nothing by itself; granting everybody, a role, or one instance of
it does. What a condition asks of a caller that is not known here is not met where it would allow,
and is met where it would deny: what cannot be judged opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

STATEMENTS_MAX = 100
POSITIVE = frozenset({"StringEquals", "StringLike", "ArnEquals", "ArnLike"})
NEGATIVE = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike"} | {
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
EVERYBODY = "*"


@dataclass(frozen=True)
class Caller:
    """`names` are the ARNs that stand for a caller; `context` what conditions may ask of it."""

    names: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)


def grants(policy: str, caller: Caller, action: str, resource: str) -> bool:
    """Return whether a policy lets `caller` do `action` ("sqs:SendMessage") to a resource.

    A policy that cannot be read grants nothing.
    """
    try:
        document = json.loads(policy) if policy else {}
    except (ValueError, RecursionError):
        return False
    statements = _listed(document.get("Statement") if isinstance(document, dict) else None)
    effects = {
        one.get("Effect")
        for one in statements[:STATEMENTS_MAX]
        if isinstance(one, dict) and _concerns(one, caller, action, resource)
    }
    return "Allow" in effects and "Deny" not in effects


def _concerns(statement: Mapping[str, Any], caller: Caller, action: str, resource: str) -> bool:
    denies = statement.get("Effect") == "Deny"
    return (
        _principal(statement, caller)
        and _action(statement, action)
        and _matches(statement.get("Resource", EVERYBODY), resource)
        and all(
            _condition((operator, key, wanted), caller, unknown=denies)
            for operator, asked in _pairs(statement.get("Condition"))
            for key, wanted in _pairs(asked)
        )
    )


def _principal(statement: Mapping[str, Any], caller: Caller) -> bool:
    if "NotPrincipal" in statement or "Principal" not in statement:
        return statement.get("Effect") == "Deny"
    said = statement["Principal"]
    named = _listed(said.get("AWS")) if isinstance(said, dict) else _listed(said)
    return any(one == EVERYBODY or one in caller.names for one in named)


def _action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _matches(statement["NotAction"], action, fold=True)
    return _matches(statement.get("Action"), action, fold=True)


def _matches(patterns: Any, text: str, *, fold: bool = False) -> bool:
    return any(_like(str(one), text, fold=fold) for one in _listed(patterns))


def _like(pattern: str, text: str, *, fold: bool = False) -> bool:
    pattern = pattern.replace("[", "[[]")  # only * and ? mean more than themselves
    return fnmatchcase(*(each.lower() if fold else each for each in (text, pattern)))


def _condition(asked: tuple[str, str, Any], caller: Caller, *, unknown: bool) -> bool:
    operator, key, wanted = asked
    known = {name.lower(): value for name, value in caller.context.items()}.get(key.lower())
    if operator in NEGATIVE and known is not None:
        return not _condition((NEGATIVE[operator], key, wanted), caller, unknown=unknown)
    if operator not in POSITIVE or known is None:
        return unknown
    if operator == "StringEquals":
        return known in map(str, _listed(wanted))
    return _matches(wanted, known)


def _pairs(value: Any) -> Sequence[tuple[str, Any]]:
    return [(str(name), one) for name, one in value.items()] if isinstance(value, dict) else []


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
