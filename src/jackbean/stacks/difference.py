"""What changes between two templates, and whether running instances survive it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from jackbean.stacks.synthesis import LAUNCH_TEMPLATE
from jackbean.stacks.types import kind, provided

Template = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """Logical ids by what happens to them, in the order of the templates."""

    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.added or self.modified or self.removed)


def difference(old: Template, new: Template) -> Difference:
    """Return what turns `old` into `new`."""
    before, after = old.get("Resources", {}), new.get("Resources", {})
    return Difference(
        added=tuple(name for name in after if name not in before),
        modified=tuple(n for n in after if n in before and after[n] != before[n]),
        removed=tuple(name for name in before if name not in after),
    )


def moved(old: Template, new: Template) -> bool:
    """Whether real resources come, go or are replaced: then what refers to them changes.

    The templates are to be without functions that read options.
    """
    before, after = (_real(template) for template in (old, new))
    return before.keys() != after.keys() or any(
        _place(before[name]) != _place(after[name]) for name in after
    )


def replacement(before: Template, after: Template) -> str:
    """Return whether a changed resource is replaced, in the words of change sets.

    "Conditional" is where it depends on what a function comes to.
    """
    was, now = _place(before), _place(after)
    if was == now:
        return "False"
    differ = [pair for pair in zip(was, now, strict=False) if pair[0] != pair[1]]
    certain = [pair for pair in differ if not any(isinstance(value, dict) for value in pair)]
    return "True" if certain else "Conditional"


def _real(template: Template) -> dict[str, Template]:
    resources = template.get("Resources", {})
    return {n: body for n, body in resources.items() if provided(body["Type"], n)}


def _place(body: Template) -> tuple[Any, ...]:
    """Return what of a resource cannot be changed in place."""
    found, properties = kind(body["Type"]), body.get("Properties") or {}
    fixed = sorted(found.replaced_by) if found else ()
    return (body["Type"], body.get("Condition"), *(properties.get(name) for name in fixed))


def fingerprint(template: Template) -> str:
    """Return a short name for what instances are launched from.

    An instance launched from another fingerprint cannot become one of this: it is replaced.
    """
    launch = template["Resources"][LAUNCH_TEMPLATE]
    text = json.dumps(launch, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kinds(template: Template) -> dict[str, str]:
    """Return the type of each resource, in the template's order."""
    return {name: body["Type"] for name, body in template.get("Resources", {}).items()}
