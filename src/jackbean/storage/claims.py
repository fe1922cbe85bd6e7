"""The rules of a commit that every store shares, and the words in which one is refused.

Names, CNAME prefixes and slots are *claims*: each has one holder among the environments that are
not terminated. Claims are compared once all changes of a commit are made, so that two environments
can exchange theirs in one.
"""

from __future__ import annotations

from collections.abc import Sequence

from jackbean.core.applications import Version
from jackbean.core.certificates import Certificate
from jackbean.core.environments import Environment
from jackbean.core.errors import Conflict
from jackbean.core.releases import Release

Claim = tuple[str, str]  # what kind of thing, and which


def held(environment: Environment | None) -> tuple[str, str, int] | None:
    """Return what an environment's claims follow from; None where it has none."""
    if environment is None or environment.terminated:
        return None
    return (environment.name, environment.cname_prefix, environment.slot)


def claims(environment: Environment | None) -> dict[Claim, str]:
    """Return what an environment holds alone, and what to tell whoever wants it too."""
    if environment is None or environment.terminated:
        return {}
    name, prefix, slot = environment.name, environment.cname_prefix, environment.slot
    found = {("name", name): f"Environment {name} already exists."}
    if prefix:
        found["cname_prefix", prefix] = f"DNS name ({prefix}) is not available."
    if slot:
        found["slot", str(slot)] = f"Slot {slot} is taken; choose another one."
    return found


def stale(environment: Environment, revision: int) -> Conflict:
    """Return the refusal of a record that was not read at the `revision` that is stored."""
    there = f"at revision {revision}" if revision else "not there"
    return Conflict(
        f"environment {environment.id} is {there}, and what was to be saved was read at revision "
        f"{environment.revision}: read it again"
    )


def orphaned(record: Version | Environment | Release | Certificate) -> Conflict:
    """Return the refusal of a record whose owner is not there."""
    match record:
        case Version(application=application, label=label):
            return Conflict(f"version {label} needs application {application}, which is not there")
        case Environment(application=application, name=name):
            return Conflict(
                f"environment {name} needs application {application}, which is not there"
            )
        case Release(environment_id=id_, number=number):
            return Conflict(f"release {number} needs environment {id_}, which is not there")
        case Certificate(environment_id=id_, number=number):
            return Conflict(f"certificate {number} needs environment {id_}, which is not there")


def repeated(record: Release | Certificate) -> Conflict:
    kind = type(record).__name__.lower()
    return Conflict(
        f"{kind} {record.number} of environment {record.environment_id} is there already"
    )


def inhabited(application: str, environments: Sequence[str]) -> Conflict:
    """Return the refusal to delete an application that has environments."""
    return Conflict(
        f"application {application} still has environments ({', '.join(environments[:5])}): "
        "terminate them first"
    )
