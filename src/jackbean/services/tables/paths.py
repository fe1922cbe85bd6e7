"""Document paths: where in an item a value is. `tags[2].name` is ("tags", 2, "name")."""

from __future__ import annotations

from typing import Any

from jackbean.services.tables import faults
from jackbean.services.tables.values import Item, Value

Path = tuple[str | int, ...]
MISSING = "The document path provided in the update expression is invalid for update"


def get(item: Item, path: Path) -> Value | None:
    """Return the value at a path; None where there is none."""
    here: Value | None = {"M": item}
    for step in path:
        here = _inner(here, step)
        if here is None:
            return None
    return here


def _inner(value: Value | None, step: str | int) -> Value | None:
    if value is None:
        return None
    if isinstance(step, str):
        return value["M"].get(step) if "M" in value else None
    found = value.get("L", ())
    return found[step] if step < len(found) else None


def put(item: Item, path: Path, value: Value) -> None:
    """Put a value at a path. Raises the Fault where what should hold it is not there."""
    parent, last = _parent(item, path), path[-1]
    if isinstance(last, str):
        if parent is None or "M" not in parent:
            raise faults.invalid(MISSING)
        parent["M"][last] = value
    elif parent is None or "L" not in parent:
        raise faults.invalid(MISSING)
    elif last < len(parent["L"]):
        parent["L"][last] = value
    else:
        parent["L"].append(value)


def remove(item: Item, path: Path) -> None:
    """Take away what is at a path; what is not there is away already."""
    parent, last = _parent(item, path), path[-1]
    if parent is None:
        if len(path) > 1:
            raise faults.invalid(MISSING)
    elif isinstance(last, str) and "M" in parent:
        parent["M"].pop(last, None)
    elif isinstance(last, int) and "L" in parent and last < len(parent["L"]):
        del parent["L"][last]


def _parent(item: Item, path: Path) -> Value | None:
    return {"M": item} if len(path) == 1 else get(item, path[:-1])


def picked(item: Item, wanted: list[Path]) -> Item:
    """Return what of an item is at some paths, in its place; lists close up."""
    tree: dict[Any, Any] = {}
    for path in wanted:
        here = tree
        for step in path:
            here = here.setdefault(step, {})
    found = _picked({"M": item}, tree)
    return dict(found["M"]) if found else {}


def _picked(value: Value, tree: dict[Any, Any]) -> Value | None:
    if not tree:
        return value
    made = {step: one for step, inner in tree.items() if (one := _within(value, step, inner))}
    if "L" in value:
        listed = [made[step] for step in sorted(s for s in made if isinstance(s, int))]
        return {"L": listed} if listed else None
    return {"M": made} if made else None


def _within(value: Value, step: str | int, tree: dict[Any, Any]) -> Value | None:
    inner = _inner(value, step)
    return None if inner is None else _picked(inner, tree)
