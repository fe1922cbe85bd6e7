"""Whoever must see every commit of a history."""

from __future__ import annotations

from collections.abc import Sequence

from jackbean.ports.store import Change
from jackbean.simulator.invariants import Chronicle
from jackbean.simulator.stacks import Custody


class Witness:
    """Follows what is told of environments, and what becomes of their resources."""

    def __init__(self) -> None:
        self.chronicle, self.custody = Chronicle(), Custody()

    def __call__(self, changes: Sequence[Change]) -> None:
        self.chronicle(changes)
        self.custody(changes)
