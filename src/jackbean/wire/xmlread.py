"""Reading XML that strangers sent: a small tree within limits, then values typed by a shape.

Document types are refused, and with them entities of the sender's own making. Namespaces are
ignored, as clients disagree about them; of repeated elements a list gets all and anything else
the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from jackbean.wire import scalars
from jackbean.wire.errors import Findings, WireFault
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.shapes import Shape

_SEPARATOR = " "


@dataclass(slots=True, eq=False)
class Node:
    """An element: its local name, and what is in it."""

    tag: str
    attributes: Mapping[str, str]
    children: list[Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def parse(document: bytes, limits: Limits = LIMITS) -> Node:
    """Return the root of a document; raise a `WireFault` for anything that is not one."""
    if len(document) > limits.xml_bytes_max:
        raise _malformed(f"The document is larger than {limits.xml_bytes_max} bytes.")
    builder = _Builder(limits)
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(document, True)  # noqa: FBT003  takes no keywords
    except (expat.ExpatError, ValueError) as problem:
        raise _malformed(f"The XML cannot be read: {problem}.") from None
    return builder.root.children[0]


def _malformed(message: str) -> WireFault:
    return WireFault("MalformedXML", message)


def _local(name: str) -> str:
    return name.rpartition(_SEPARATOR)[2]


class _Builder:
    def __init__(self, limits: Limits) -> None:
        self.root = Node("", {})
        self._open = [self.root]
        self._limits = limits
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > self._limits.xml_nodes_max:
            raise _malformed(f"The document has more than {self._limits.xml_nodes_max} elements.")
        if len(self._open) > self._limits.depth_max:
            raise _malformed(f"The document is nested deeper than {self._limits.depth_max} levels.")
        node = Node(_local(name), {_local(key): value for key, value in attributes.items()})
        self._open[-1].children.append(node)
        self._open.append(node)

    def end(self, name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def doctype(self, *_: object) -> None:
        raise _malformed("A document type is not allowed.")


def value(shape: Shape, nodes: list[Node], path: str, findings: Findings) -> Any:
    """Return the value that elements of one name spell; `None` when it is malformed."""
    if shape.kind == "structure":
        return structure(shape, nodes[-1], path, findings)
    if shape.kind == "list":
        return _list(shape, nodes, path, findings)
    if shape.kind == "map":
        return _map(shape, nodes, path, findings)
    return scalar(shape, nodes[-1].text, path, findings)


def scalar(shape: Shape, text: str, path: str, findings: Findings) -> Any:
    """Return a single value, from an element, a header or the query."""
    try:
        return scalars.read(shape.kind, text)
    except ValueError as reason:
        findings.malformed(path, text, reason)
        return None


def structure(shape: Shape, node: Node, path: str, findings: Findings) -> dict[str, Any]:
    """Return the members that an element holds, and note those that are missing or not known."""
    groups: dict[str, list[Node]] = {}
    for child in node.children:
        groups.setdefault(child.tag, []).append(child)
    found = _attributes(shape, node)
    for name, (tag, member) in shape.xml_tags.items():
        nodes = groups.pop(tag, None)
        if nodes is not None and member.location is None and not member.xml_attribute:
            found[name] = value(member, nodes, f"{path}{tag}", findings)
    for tag in groups:
        findings.not_known(path + tag)
    for name in shape.required:
        if name not in found and shape.members[name].location is None:
            findings.missing(path + shape.xml_tags[name][0])
    return found


def _attributes(shape: Shape, node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (tag, member) in shape.xml_tags.items():
        text = node.attributes.get(tag.rpartition(":")[2]) if member.xml_attribute else None
        if text is not None:
            found[name] = text
    return found


def _list(shape: Shape, nodes: list[Node], path: str, findings: Findings) -> list[Any]:
    items = nodes if shape.flattened else nodes[-1].children
    return [
        value(shape.member, [item], f"{path}.{at}.", findings) for at, item in enumerate(items, 1)
    ]


def _map(shape: Shape, nodes: list[Node], path: str, findings: Findings) -> dict[str, Any]:
    entries = nodes if shape.flattened else nodes[-1].children
    found: dict[str, Any] = {}
    for at, entry in enumerate(entries, 1):
        parts = {child.tag: child for child in entry.children}
        key = parts.get(shape.key.wire_name or "key")
        item = parts.get(shape.value.wire_name or "value")
        if key is None or item is None:
            findings.malformed(f"{path}.{at}", "", "a key and a value")
        else:
            found[key.text] = value(shape.value, [item], f"{path}.{at}.", findings)
    return found
