"""CloudFormation templates, in JSON or in YAML with the short forms of functions."""

from __future__ import annotations

from copy import copy
from typing import Any

import yaml

from jackbean.sources.tree import YAML, Bad, Tree, grow

BYTES_MAX = 1 << 20
PLAIN = frozenset({"Ref", "Condition"})  # whose names are not in Fn::
TAGS = {
    yaml.ScalarNode: f"{YAML}str",
    yaml.SequenceNode: f"{YAML}seq",
    yaml.MappingNode: f"{YAML}map",
}


class Unreadable(ValueError):
    """A sentence that says what is wrong with the text of a template."""


def read_template(text: str) -> dict[str, Any]:
    """Return what a template says. Raises Unreadable."""
    if len(text.encode()) > BYTES_MAX:
        raise Unreadable(f"it is longer than {BYTES_MAX} bytes")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = Tree()
        found = grow(tree, _written_out(root, {}), ()) if root is not None else None
    except (yaml.YAMLError, Bad) as error:
        raise Unreadable(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error
    if tree.faults:
        raise Unreadable(tree.faults[0])
    if not isinstance(found, dict):
        raise Unreadable("it is no mapping of sections")
    return found


def _written_out(node: yaml.Node, known: dict[int, yaml.Node]) -> yaml.Node:
    """Return a node with every short form in it written in full; a shared one stays shared."""
    if id(node) in known:
        return known[id(node)]
    function = str(node.tag)[1:] if str(node.tag).startswith("!") and node.tag != "!" else ""
    inner = copy(node)
    if function:
        inner.tag = TAGS[type(node)]
    found = _called(function, inner) if function else inner
    known[id(node)] = found
    if isinstance(inner, yaml.SequenceNode):
        inner.value = [_written_out(item, known) for item in inner.value]
    elif isinstance(inner, yaml.MappingNode):
        inner.value = [(key, _written_out(item, known)) for key, item in inner.value]
    return found


def _called(function: str, argument: yaml.Node) -> yaml.Node:
    name = function if function in PLAIN else f"Fn::{function}"
    mark = argument.start_mark
    key = yaml.ScalarNode(f"{YAML}str", name, mark)
    return yaml.MappingNode(f"{YAML}map", [(key, argument)], mark)
