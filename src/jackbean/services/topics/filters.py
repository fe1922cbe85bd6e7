"""Filter policies: which messages a subscriber wants. Pure.

A policy is checked when it is set, so that matching need not fear its form. A message passes if for
every key one of the conditions holds; below `$or` one of several policies must pass.
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jackbean.services.queues.digests import Attribute, Attributes

Policy = Mapping[str, Any]
BYTES_MAX = 262_144
DEPTH_MAX = 16
CONDITIONS_MAX = 1000
OR = "$or"
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class BadPolicy(ValueError):
    """A policy that cannot be set, and why."""


# Checking


def loaded(text: str) -> Policy:
    """Return a policy that is fit to be set. Raises BadPolicy."""
    try:
        policy = json.loads(text) if len(text) <= BYTES_MAX else None
    except (ValueError, RecursionError):
        raise BadPolicy("failed to parse JSON") from None
    if not isinstance(policy, dict):
        raise BadPolicy("Filter policy must be an object")
    if _check(policy, 0) > CONDITIONS_MAX:
        raise BadPolicy(f"Filter policy has more than {CONDITIONS_MAX} conditions")
    return policy


def nested(policy: Policy) -> bool:
    """Return whether a policy looks into objects within objects."""
    return any(
        any(map(nested, value)) if _is_or(key, value) else isinstance(value, dict)
        for key, value in policy.items()
    )


def _is_or(key: str, value: Any) -> bool:
    return key == OR and isinstance(value, list) and len(value) > 1


def _check(policy: Policy, depth: int) -> int:
    """Return how many conditions there are."""
    if depth > DEPTH_MAX:
        raise BadPolicy("Filter policy is nested too deeply")
    count = 0
    for key, value in policy.items():
        if _is_or(key, value):
            if not all(isinstance(one, dict) for one in value):
                raise BadPolicy('"$or" must be an array of objects')
            count += sum(_check(one, depth + 1) for one in value)
        elif isinstance(value, dict):
            count += _check(value, depth + 1)
        elif isinstance(value, list) and value:
            for condition in value:
                _check_condition(key, condition)
            count += len(value)
        else:
            raise BadPolicy(f'"{key[:64]}" must be an object or an array')
    return count


def _check_condition(key: str, condition: Any) -> None:
    if condition is None or isinstance(condition, str | bool | int | float):
        return
    if not isinstance(condition, dict) or len(condition) != 1:
        raise BadPolicy(f'Match value of "{key[:64]}" must be String, number, true, false, or null')
    ((name, told),) = condition.items()
    if name not in _FIT:
        raise BadPolicy(f"Unrecognized match type {name[:64]}")
    if not _FIT[name](told):
        raise BadPolicy(f'"{name}" of "{key[:64]}" has a value that it cannot have')


def _fit_numeric(told: Any) -> bool:
    if not isinstance(told, list) or len(told) not in (2, 4):
        return False
    return all(sign in _SIGNS for sign in told[::2]) and all(map(_is_number, told[1::2]))


def _fit_but(told: Any) -> bool:
    if isinstance(told, dict):
        names = ("prefix", "suffix", "wildcard", "equals-ignore-case")
        return len(told) == 1 and all(n in names and _texts(v) for n, v in told.items())
    every = told if isinstance(told, list) else [told]
    return bool(every) and all(isinstance(one, str) or _is_number(one) for one in every)


def _fit_network(told: Any) -> bool:
    try:
        ipaddress.ip_network(told, strict=False)
    except ValueError:
        return False
    return isinstance(told, str)


def _texts(told: Any) -> bool:
    every = told if isinstance(told, list) else [told]
    return bool(every) and all(isinstance(one, str) and len(one) <= 256 for one in every)


def _is_text(told: Any) -> bool:
    return isinstance(told, str) and len(told) <= 256


_FIT: Mapping[str, Callable[[Any], bool]] = {
    "prefix": _is_text,
    "suffix": _is_text,
    "wildcard": _is_text,
    "equals-ignore-case": _is_text,
    "anything-but": _fit_but,
    "numeric": _fit_numeric,
    "exists": lambda told: isinstance(told, bool),
    "cidr": _fit_network,
}


# Matching


def passes_attributes(policy: Policy, attributes: Attributes) -> bool:
    """Return whether a message passes by its attributes."""
    return _passes(policy, {name: _values(one) for name, one in attributes.items()})


def passes_body(policy: Policy, body: str) -> bool:
    """Return whether a message passes by its body, which must be a JSON object for that."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and _passes(policy, document)


def _values(attribute: Attribute) -> Any:
    """Return what an attribute is compared by; bytes are there, and equal to nothing."""
    if isinstance(attribute.value, bytes):
        return [attribute.value]
    if attribute.kind.startswith("Number"):
        return [_number(attribute.value)]
    if attribute.kind == "String.Array":
        try:
            found = json.loads(attribute.value)
        except (ValueError, RecursionError):
            return [attribute.value]
        return found if isinstance(found, list) else [found]
    return [attribute.value]


def _passes(policy: Policy, document: Any) -> bool:
    return all(_passes_key(key, wanted, document) for key, wanted in policy.items())


def _passes_key(key: str, wanted: Any, document: Any) -> bool:
    if _is_or(key, wanted):
        return any(_passes(one, document) for one in wanted)
    found = _found(document, key)
    if isinstance(wanted, dict):
        return any(_passes(wanted, one) for one in found or [{}])
    return any(_holds(condition, found) for condition in wanted)


def _found(document: Any, key: str) -> list[Any]:
    """Return the values of a key; those of lists, and of objects in lists, one by one."""
    if isinstance(document, list):
        return [value for one in document for value in _found(one, key)]
    if not isinstance(document, Mapping) or key not in document:
        return []
    value = document[key]
    return value if isinstance(value, list) else [value]


def _holds(condition: Any, found: list[Any]) -> bool:
    if isinstance(condition, dict) and "exists" in condition:
        return bool(found) == bool(condition["exists"])
    return any(_matches(condition, value) for value in found)


def _matches(condition: Any, value: Any) -> bool:
    if isinstance(condition, dict):
        ((name, told),) = condition.items()
        return _MATCHES[name](told, value)
    return _equal(condition, value)


def _equal(wanted: Any, value: Any) -> bool:
    if _is_number(wanted) and _is_number(value):
        return bool(wanted == value)
    return type(wanted) is type(value) and bool(wanted == value)


def _numeric(told: Any, value: Any) -> bool:
    pairs = zip(told[::2], told[1::2], strict=True)
    return _is_number(value) and all(bool(_SIGNS[sign](value, bound)) for sign, bound in pairs)


def _but(told: Any, value: Any) -> bool:
    if isinstance(told, dict):
        ((name, wanted),) = told.items()
        every = wanted if isinstance(wanted, list) else [wanted]
        return isinstance(value, str) and not any(_MATCHES[name](one, value) for one in every)
    every = told if isinstance(told, list) else [told]
    return not any(_equal(one, value) for one in every)


def _in_network(told: str, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(told, strict=False)
    except (ValueError, TypeError):
        return False


def _like(told: str, value: Any) -> bool:
    parts = re.split(r"\*+", told)
    if not isinstance(value, str) or len(parts) == 1:
        return bool(told == value)
    return value.startswith(parts[0]) and _in_order(parts[1:], value[len(parts[0]) :])


def _in_order(parts: list[str], text: str) -> bool:
    """Return whether the parts come one after the other, and the last one at the end.

    Without regular expressions: those take for ever for some policies.
    """
    *middle, last = parts
    for part in middle:
        at = text.find(part)
        if at < 0:
            return False
        text = text[at + len(part) :]
    return text.endswith(last)


_MATCHES: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": lambda told, value: isinstance(value, str) and value.startswith(told),
    "suffix": lambda told, value: isinstance(value, str) and value.endswith(told),
    "wildcard": _like,
    "equals-ignore-case": lambda told, value: (
        isinstance(value, str) and value.casefold() == told.casefold()
    ),
    "anything-but": _but,
    "numeric": _numeric,
    "cidr": _in_network,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
