"""What a bundle's `.ebextensions` declare besides option settings, as it was written.

Functions in it are evaluated when an instance asks for its release: what they refer to may not
exist when the release is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, Any]  # of texts, lists, objects and None


@dataclass(frozen=True)
class ConfigKeys:
    """The instance keys of one config file."""

    name: str
    keys: Tree


@dataclass(frozen=True)
class Declared:
    """The files in the order of their names, and the template keys of all, merged.

    `imports` are the exports of other stacks that it refers to, as they were when it was read.
    """

    files: tuple[ConfigKeys, ...] = ()
    parameters: Tree = field(default_factory=dict)
    mappings: Tree = field(default_factory=dict)
    conditions: Tree = field(default_factory=dict)
    resources: Tree = field(default_factory=dict)
    outputs: Tree = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return self == Declared()
