"""What changes between two templates, and whether running instances survive it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from jackbean.stacks.synthesis import LAUNCH_TEMPLATE

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
