"""XML for answers: the same elements in the query, ec2 and REST-XML protocols.

Whatever text comes in, the document is well formed: characters that XML 1.0 cannot hold become
U+FFFD, and carriage returns are written as references, since parsers turn bare ones into line
feeds. An empty list is an empty element, because clients index it; `None` is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jackbean.wire import scalars
from jackbean.wire.shapes import Shape

Out = list[str]

_TEXT = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}
REPLACEMENT = "\ufffd"


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], REPLACEMENT)


def text(value: str) -> str:
    """Return `value` as the text of an element."""
    if value.isprintable() and not ("&" in value or "<" in value or ">" in value):
        return value  # by far the most; every printable character may be in XML
    return _TEXT.sub(_escape, value)


def attribute(value: str) -> str:
    """Return `value` as the value of an attribute in double quotes."""
    return _ATTRIBUTE.sub(_escape, value)


def leaf(tag: str, value: str) -> str:
    return f"<{tag}>{text(value)}</{tag}>"


def leaves(values: Mapping[str, str]) -> str:
    return "".join(leaf(tag, value) for tag, value in values.items())


def element(out: Out, tag: str, shape: Shape, value: Any) -> None:
    """Append the element of a value; a value that does not fit its shape is a bug and raises."""
    _WRITERS.get(shape.kind, _scalar)(out, tag, shape, value)


def members(out: Out, shape: Shape, value: Mapping[str, Any]) -> None:
    """Append the elements of a structure's members, without an element around them."""
    tags = shape.xml_tags
    for name, item in value.items():
        if item is None:
            continue
        if name not in tags:
            raise TypeError(f"{shape.name} has no member {name!r}; it has: {', '.join(tags)}")
        tag, member = tags[name]
        if member.is_text and type(item) is str:  # nine values in ten
            out.append(f"<{tag}>{text(item)}</{tag}>")
        elif not member.is_elsewhere:
            element(out, tag, member, item)


def _structure(out: Out, tag: str, shape: Shape, value: Mapping[str, Any]) -> None:
    out.append(f"<{tag}{_attributes(shape, value)}>")
    members(out, shape, value)
    out.append(f"</{tag}>")


def _attributes(shape: Shape, value: Mapping[str, Any]) -> str:
    namespace = shape.xml_namespace
    if namespace is None:
        return ""
    written = f' {_namespace(namespace)}="{attribute(namespace["uri"])}"'
    for name, (tag, member) in shape.xml_tags.items():
        if member.xml_attribute and value.get(name) is not None:
            written += f' {tag}="{attribute(scalars.write(member, value[name]))}"'
    return written


def _namespace(namespace: Mapping[str, str]) -> str:
    prefix = namespace.get("prefix")
    return f"xmlns:{prefix}" if prefix else "xmlns"


def _list(out: Out, tag: str, shape: Shape, value: list[Any]) -> None:
    item = shape.member
    if shape.flattened:
        for entry in value:
            element(out, tag, item, entry)
        return
    out.append(f"<{tag}>")
    for entry in value:
        element(out, item.wire_name or "member", item, entry)
    out.append(f"</{tag}>")


def _map(out: Out, tag: str, shape: Shape, value: Mapping[str, Any]) -> None:
    entry_tag = tag if shape.flattened else "entry"
    if not shape.flattened:
        out.append(f"<{tag}>")
    for key, item in value.items():
        out.append(f"<{entry_tag}>")
        element(out, shape.key.wire_name or "key", shape.key, key)
        element(out, shape.value.wire_name or "value", shape.value, item)
        out.append(f"</{entry_tag}>")
    if not shape.flattened:
        out.append(f"</{tag}>")


def _scalar(out: Out, tag: str, shape: Shape, value: Any) -> None:
    out.append(f"<{tag}>{text(scalars.write(shape, value))}</{tag}>")


_WRITERS: Mapping[str, Callable[[Out, str, Shape, Any], None]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
}
