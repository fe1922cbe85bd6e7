"""What a resource's policy says of a caller: AWS's policy language, as far as callers can differ.

A caller is a program of this account, a service that acts for a resource of it, or somebody who is
not known. Granting the account's root delegates to what its roles may do anyway, as on AWS, and so
grants nothing by itself; denying it denies them all. What a policy asks that cannot be judged here
(an operator, a key, a variable) is not met where it would allow, and is met where it would deny:
it opens nothing, and is named in the verdict, so that somebody can be told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any

POLICY_CHARS_MAX = 65_536
STATEMENTS_MAX = 100
NOTES_MAX = 10
EVERYBODY = "*"
# What is known of every caller: who lacks one of these has none, and conditions may say so.
FACTS = frozenset(
    (
        "aws:principalaccount",
        "aws:principalarn",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceowner",
    )
)


@dataclass(frozen=True)
class Caller:
    """`names` are the ARNs that stand for a caller, or its service's name.

    `context` is what conditions may ask of it; `account` is "" for somebody unknown.
    """

    names: tuple[str, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    account: str = ""


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"
    SILENT = "nothing"


@dataclass(frozen=True)
class Verdict:
    """What a policy says, and what of it could not be judged (at most NOTES_MAX)."""

    effect: Effect
    unjudged: tuple[str, ...] = ()


def judge(policy: str, caller: Caller, action: str, resource: str) -> Verdict:
    """Return what a policy says of `caller` doing `action` ("sqs:SendMessage") to a resource.

    A denial outweighs all that allows. A policy that cannot be read says nothing.
    """
    if not policy:
        return Verdict(Effect.SILENT)
    statements = sound(policy)
    if statements is None:
        return Verdict(Effect.SILENT, ("the whole policy: it cannot be read",))
    asked = _Asked(caller, action, resource)
    said = {one["Effect"] for one in statements if asked.concerned(one)}
    effect = next((one for one in (Effect.DENY, Effect.ALLOW) if one in said), Effect.SILENT)
    return Verdict(effect, tuple(dict.fromkeys(asked.unjudged))[:NOTES_MAX])


def sound(policy: str) -> list[dict[str, Any]] | None:
    """Return the statements of a policy; None: it is none."""
    try:
        document = json.loads(policy) if len(policy) <= POLICY_CHARS_MAX else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    found = _listed(document.get("Statement"))
    sound = all(isinstance(one, dict) and one.get("Effect") in ("Allow", "Deny") for one in found)
    return found if sound and len(found) <= STATEMENTS_MAX else None


def unjudgeable(statements: object) -> tuple[str, ...]:
    """Return what of statements cannot be judged whoever asks: to tell whoever writes them."""
    found = dict.fromkeys(
        what
        for statement in _listed(statements)
        if isinstance(statement, dict)
        for operator, conditions in _pairs(statement.get("Condition"))
        for key, _ in _pairs(conditions)
        if (what := _strange(str(operator), str(key)))
    )
    return tuple(found)[:NOTES_MAX]


def _strange(operator: str, key: str) -> str:
    base = operator.removesuffix("IfExists")
    if NEGATIVE.get(base, base) not in TESTS and base != "Null":
        return f"the operator {operator[:80]}"
    return "" if key.lower() in {*FACTS, "aws:sourceip"} else f"the key {key[:80]}"


class _Asked:
    """Who asks for what, and what could not be judged of it so far."""

    def __init__(self, caller: Caller, action: str, resource: str) -> None:
        self._caller = caller
        self._action = action.lower()
        self._resource = resource
        self._context = {name.lower(): value for name, value in caller.context.items()}
        self.unjudged: list[str] = []

    def concerned(self, statement: Mapping[str, Any]) -> bool:
        denies = statement["Effect"] == Effect.DENY
        return (
            self._by(statement, denies=denies)
            and self._is(statement, ("Action", "NotAction"), self._action, denies=denies)
            and self._is(statement, ("Resource", "NotResource"), self._resource, denies=denies)
            and all(
                self._holds(operator, key, _listed(wanted), denies=denies)
                for operator, conditions in _pairs(statement.get("Condition"))
                for key, wanted in _pairs(conditions)
            )
        )

    def _by(self, statement: Mapping[str, Any], *, denies: bool) -> bool:
        """Whether a statement is about the caller. Who NotPrincipal allows is nobody: too many."""
        if "NotPrincipal" in statement:
            return denies and not self._named(statement["NotPrincipal"], root=True)
        return self._named(statement.get("Principal"), root=denies)

    def _named(self, said: Any, *, root: bool) -> bool:
        if isinstance(said, str):
            return said == EVERYBODY
        account = self._caller.account
        names = {*self._caller.names, EVERYBODY}
        if root and account:
            names |= {account, f"arn:aws:iam::{account}:root"}
        return any(
            isinstance(one, str) and one in names
            for kind, named in _pairs(said)
            if kind in ("AWS", "Service")
            for one in _listed(named)
            if kind == "AWS" or one != EVERYBODY
        )

    def _is(
        self, statement: Mapping[str, Any], members: tuple[str, str], text: str, *, denies: bool
    ) -> bool:
        """Whether one of a statement's patterns is met, or with the second member none."""
        wanted, unwanted = members
        fold = wanted == "Action"
        if unwanted in statement:
            return not self._matches(
                _listed(statement[unwanted]), text, denies=not denies, fold=fold
            )
        # Only actions have to be named: a resource's own policy is about that resource.
        patterns = _listed(statement.get(wanted, None if fold else EVERYBODY))
        return self._matches(patterns, text, denies=denies, fold=fold)

    def _matches(self, patterns: list[Any], text: str, *, denies: bool, fold: bool = False) -> bool:
        found = False
        for pattern in map(_text, patterns):
            if "${" in pattern:
                found = self._unknown(f"the variable in {pattern[:80]}", denies=denies) or found
            else:
                found = found or like(pattern.lower() if fold else pattern, text)
        return found

    def _holds(self, operator: str, key: str, wanted: list[Any], *, denies: bool) -> bool:
        base, optional = operator.removesuffix("IfExists"), operator.endswith("IfExists")
        positive = NEGATIVE.get(base, base)
        known = self._context.get(key.lower())
        if positive not in TESTS and base != "Null":
            return self._unknown(f"the operator {operator[:80]}", denies=denies)
        if known is None and key.lower() not in FACTS:
            return self._unknown(f"the key {key[:80]}", denies=denies)
        if base == "Null":
            return any(_text(one).lower() == _text(known is None) for one in wanted)
        if known is None:
            return optional or base in NEGATIVE
        if any("${" in _text(one) for one in wanted):
            return self._unknown(f"the variable in {key[:80]}", denies=denies)
        met = any(TESTS[positive](_text(one), known) for one in wanted)
        return met is not (base in NEGATIVE)

    def _unknown(self, what: str, *, denies: bool) -> bool:
        self.unjudged.append(what)
        return denies


def like(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, in which * is any text and ? any character.

    Takes time in proportion to the product of both at the very most.
    """
    first, *more = re.sub(r"\*+", "*", pattern).split("*")
    if not more:
        return len(first) == len(text) and _find(first, text, 0) == 0
    *between, last = more
    end = len(text) - len(last)
    if _find(first, text[: len(first)], 0) != 0 or end < len(first):
        return False
    if _find(last, text[end:], 0) != 0:
        return False
    place = len(first)
    for piece in between:
        found = _find(piece, text[:end], place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _find(piece: str, text: str, start: int) -> int:
    """Return where a text first has a piece, ? being any character; -1: nowhere."""
    if "?" not in piece:
        return text.find(piece, start)
    compiled = re.compile(
        "".join("." if one == "?" else re.escape(one) for one in piece), re.DOTALL
    )
    found = compiled.search(text, start)
    return found.start() if found else -1


def _within(network: str, address: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False


TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, known: wanted == known,
    "StringEqualsIgnoreCase": lambda wanted, known: wanted.lower() == known.lower(),
    "StringLike": like,
    "ArnEquals": like,  # AWS's own: both take patterns
    "ArnLike": like,
    "Bool": lambda wanted, known: wanted.lower() == known.lower(),
    "IpAddress": _within,
}
NEGATIVE: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
}


def _text(value: object) -> str:
    """Return a value as policies compare it; what is none is met by nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    return iter(value.items() if isinstance(value, dict) else ())


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
