"""A YAML document as a tree of texts, lists and objects, with the line of everything.

Scalars keep the text they were written in (`on` is "on", `000755` is no number), for that is what
CloudFormation makes of them; only what YAML calls null is None. Aliases are written out, so a
document is bounded by what it means, not by what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from jackbean.core.errors import invalid

PLAIN = re.compile(r"true|false|-?(0|[1-9]\d{0,15})(\.\d{1,15})?")  # what JSON does not quote
NODES_MAX = 20_000
DEPTH_MAX = 50
CHARS_MAX = 1 << 20
SHOWN_MAX = 60
YAML = "tag:yaml.org,2002:"
KNOWN = frozenset(
    {
        f"{YAML}{name}"
        for name in ("binary", "bool", "float", "int", "map", "merge", "null", "omap", "pairs")
    }
    | {f"{YAML}{name}" for name in ("seq", "set", "str", "timestamp", "value")}
    | {"!"}
)
NULL, MERGE = f"{YAML}null", f"{YAML}merge"

Path = tuple[str | int, ...]


class Bad(Exception):
    """A fault at a node."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        super().__init__(f"line {line(node)}: {text}")


@dataclass
class Tree:
    """What nodes mean, where each part is, what is wrong, and keys that stood there twice."""

    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    nodes: int = 0
    chars: int = 0

    @property
    def full(self) -> bool:
        return self.nodes > NODES_MAX or self.chars > CHARS_MAX


def line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def check_tag(node: yaml.Node) -> None:
    """Raise Bad for a value that only a program could make sense of."""
    tag = str(node.tag)
    if tag in KNOWN:
        return
    shown = tag.removeprefix(YAML)[:SHOWN_MAX]
    if not tag.startswith("!"):
        raise Bad(node, f"what {shown} makes of a value is not known here")
    name = shown.lstrip("!")
    full = name if name in {"Ref", "Condition"} else f"Fn::{name}"
    raise Bad(node, f"{shown} is not understood in config files; write it in full: {full}")


def scalar(node: yaml.Node) -> str:
    """Return the text of a single value."""
    if not isinstance(node, yaml.ScalarNode):
        raise Bad(node, "a single value is expected here")
    check_tag(node)
    return written(node)


def written(node: yaml.ScalarNode) -> str:
    """Return the text of a scalar: JSON writes one character beyond 16 bits as a pair of escapes.

    Raises Bad for half of such a pair, which is no character that anybody could be given.
    """
    try:
        return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Bad(node, "it has one half of a surrogate pair, which is no character") from None


def document(
    file: str, content: bytes, tree: Tree, hint: Callable[[str], str] = lambda _: ""
) -> Any:
    """Return what a whole file means; None if it is empty. Raises a Fault that names the file.

    `hint` may add to the reason why it is no YAML.
    """
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
        return None if root is None else grow(tree, root, ())
    except UnicodeDecodeError as error:
        raise invalid(f"{file} is not UTF-8 text: {error}.") from None
    except RecursionError:
        raise invalid(f"{file} is nested too deeply.") from None
    except Bad as bad:
        raise invalid(f"{file}: {bad}.") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise invalid(f"{file} is not YAML: {reason}{hint(reason)}.") from None


def grow(tree: Tree, node: yaml.Node, path: Path) -> Any:
    """Return what a node means; write down its lines. Raises Bad."""
    _count(tree, node, path)
    match node:
        case yaml.ScalarNode(tag=tag, style=style):
            return None if tag == NULL and style is None else written(node)
        case yaml.SequenceNode(value=items):
            return [grow(tree, item, (*path, i)) for i, item in enumerate(items)]
        case yaml.MappingNode():
            return _mapping(tree, node, path)
        case _:
            raise Bad(node, "this cannot be read")


def typed(tree: Tree, node: yaml.Node) -> Any:
    """Return what a node means as JSON has it: with numbers and flags as such. Raises Bad."""
    before = len(tree.faults)
    grown = grow(tree, node, ())
    if tree.faults[before:]:
        raise Bad(node, tree.faults[-1].partition(": ")[2])
    return _typed(grown, node)


def _typed(grown: Any, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode(style=None, value=text) if PLAIN.fullmatch(text):
            return json.loads(text)
        case yaml.SequenceNode(value=items):
            return [_typed(one, item) for one, item in zip(grown, items, strict=True)]
        case yaml.MappingNode(value=pairs):
            own = {key.value: item for key, item in pairs if key.tag != MERGE}
            return {key: _typed(one, own[key]) if key in own else one for key, one in grown.items()}
        case _:
            return grown


def _count(tree: Tree, node: yaml.Node, path: Path) -> None:
    try:
        check_tag(node)
    except Bad as bad:
        tree.faults.append(str(bad))
    tree.lines.setdefault(path, line(node))
    tree.nodes += 1
    tree.chars += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
    if tree.nodes > NODES_MAX:
        raise Bad(node, f"the file has more than {NODES_MAX} values, aliases written out")
    if tree.chars > CHARS_MAX:
        raise Bad(node, f"the file has more than {CHARS_MAX >> 20} MB, aliases written out")
    if len(path) > DEPTH_MAX:
        raise Bad(node, f"it is nested more than {DEPTH_MAX} deep")


def _mapping(tree: Tree, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, item in node.value:
        if key.tag == MERGE:
            for other in _merged(item):
                merged = {**grow(tree, other, (*path, "<<")), **merged}
            continue
        name = scalar(key)
        tree.chars += len(name)
        if name in found:
            where = f"line {line(key)}: {name[:SHOWN_MAX]}"
            tree.repeated.append(f"{where} is there twice; the first one is dropped")
        tree.lines[(*path, name)] = line(key)
        found[name] = grow(tree, item, (*path, name))
    return {**merged, **found}


def _merged(node: yaml.Node) -> Iterator[yaml.Node]:
    """Return the mappings that a merge key names."""
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for item in items:
        if not isinstance(item, yaml.MappingNode):
            raise Bad(node, "only mappings can be merged")
        yield item
