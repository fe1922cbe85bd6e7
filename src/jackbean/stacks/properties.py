"""Whether properties can be those of a type: before anything is changed, everything that is wrong.

CloudFormation checks a resource by its type's schema before a service is asked, in these words; it
takes "7" for 7 and 7 for "7", and so do we. What depends on a resource that is not there yet cannot
be told the kind of, and is left to the service.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from jackbean.stacks import schemas
from jackbean.stacks.graph import references
from jackbean.stacks.schemas import SCHEMAS, Leaf, Many, Members, Shape
from jackbean.stacks.values import SHOWN_MAX, Path, Value

Wrong = tuple[Path, str]
FLAGS = frozenset({"true", "false"})
EXPECTED = "expected type"
UNREALISED = "taken as it is, and nothing comes of it here"  # what is said of a property


def wrong(type_: str, raw: Value, found: Value, resources: Collection[str]) -> Iterator[Wrong]:
    """Yield where properties (`found`, functions evaluated) are none of a type, and why.

    `raw` are they with their functions, `resources` the logical ids that these may refer to.
    """
    schema = SCHEMAS.get(type_)
    if schema is None or not isinstance(found, dict):
        return
    for path, text in _object((), schema, found):
        if not text.startswith(EXPECTED) or not _refers(raw, path[0], resources):
            yield path, text


def unrealised(type_: str, properties: Value) -> list[str]:
    """Return the properties of which nothing comes here."""
    none = schemas.UNREALISED.get(type_, frozenset())
    return [name for name in properties if name in none] if isinstance(properties, dict) else []


def _refers(raw: Value, name: str | int, resources: Collection[str]) -> bool:
    said = raw.get(name) if isinstance(raw, dict) else None
    return any(one in resources for one in references(said))


def _check(path: Path, shape: Shape, value: Value) -> Iterator[Wrong]:
    match shape:
        case Many(of=of):
            items = value if isinstance(value, list) else [value]
            for at, item in enumerate(items):
                yield from _check((*path, at), of, item)
        case Members():
            if isinstance(value, dict):
                yield from _object(path, shape, value)
            else:
                yield path, _expected("Object", value)
        case Leaf():
            if not _is(shape, value):
                yield path, _expected(shape, value)


def _object(path: Path, shape: Members, value: dict[str, Value]) -> Iterator[Wrong]:
    for name in value:
        if name not in shape.known:
            known = ", ".join(sorted(shape.known)) or "none"
            text = f"extraneous key [{name[:SHOWN_MAX]}] is not permitted. There are: {known}"
            yield (*path, name), text
    for name in sorted(shape.required):
        if value.get(name) in (None, ""):
            yield path, f"required key [{name}] not found"
    for name, inner in shape.known.items():
        if value.get(name) is not None:
            yield from _check((*path, name), inner, value[name])


def _is(leaf: Leaf, value: Value) -> bool:
    match leaf:
        case Leaf.ANY:
            return True
        case Leaf.DOCUMENT:
            return isinstance(value, dict) or (isinstance(value, str) and _document(value))
        case _ if isinstance(value, dict | list):
            return False
        case Leaf.FLAG:
            return str(value).lower() in FLAGS
        case Leaf.WHOLE:
            return not isinstance(value, bool) and _whole(str(value))
        case _:
            return True


def _whole(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal()


def _document(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _expected(kind: str, value: Value) -> str:
    told = json.dumps(value)
    return f"{EXPECTED}: {kind}, found: {_kind(value)} {told[:SHOWN_MAX]}"


def _kind(value: Value) -> str:
    match value:
        case dict():
            return "JSONObject"
        case list():
            return "JSONArray"
        case bool():
            return "Boolean"
        case int() | float():
            return "Number"
        case _:
            return "String"
