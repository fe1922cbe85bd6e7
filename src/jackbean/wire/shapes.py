"""Shapes and operations: what a value looks like, in memory and on the wire.

A `Shape` is one use of a shape of the model: the same list can be flattened in one place and not
in another. Everything that the protocols ask of it is worked out once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Refer = Callable[[Mapping[str, Any]], "Shape"]


@dataclass(frozen=True, eq=False, repr=False)
class Shape:
    """One use of a shape: its definition, and what the place that refers to it adds."""

    name: str
    traits: Mapping[str, Any]
    refer: Refer

    def __repr__(self) -> str:
        return f"Shape({self.kind} {self.name})"

    @cached_property
    def kind(self) -> str:
        """`structure`, `list`, `map`, or a scalar: `string`, `integer`, `timestamp` ..."""
        return str(self.traits["type"])

    @cached_property
    def members(self) -> dict[str, Shape]:
        return {name: self.refer(ref) for name, ref in self.traits.get("members", {}).items()}

    @cached_property
    def member(self) -> Shape:
        return self.refer(self.traits["member"])

    @cached_property
    def key(self) -> Shape:
        return self.refer(self.traits["key"])

    @cached_property
    def value(self) -> Shape:
        return self.refer(self.traits["value"])

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(self.traits.get("required", ()))

    @cached_property
    def location(self) -> str | None:
        """Where REST puts it: `uri`, `querystring`, `header`, `headers`, `statusCode`."""
        return self.traits.get("location")

    @cached_property
    def is_elsewhere(self) -> bool:
        """Return whether a member is written outside the elements of a body."""
        return self.location is not None or self.xml_attribute

    @cached_property
    def is_text(self) -> bool:
        """Return whether a value is an element whose text is the value itself."""
        return self.kind in ("string", "character") and not self.is_elsewhere

    @cached_property
    def wire_name(self) -> str | None:
        return self.traits.get("locationName")

    @cached_property
    def flattened(self) -> bool:
        return bool(self.traits.get("flattened"))

    @cached_property
    def timestamp_format(self) -> str | None:
        return self.traits.get("timestampFormat")

    @cached_property
    def payload(self) -> str | None:
        """The one member that is the body, when there is one."""
        return self.traits.get("payload")

    @cached_property
    def xml_attribute(self) -> bool:
        return bool(self.traits.get("xmlAttribute"))

    @cached_property
    def xml_namespace(self) -> Mapping[str, str] | None:
        return self.traits.get("xmlNamespace")

    @cached_property
    def is_document(self) -> bool:
        return bool(self.traits.get("document"))

    @cached_property
    def xml_tags(self) -> dict[str, tuple[str, Shape]]:
        """Member -> (its XML element, its shape)."""
        return {name: (_xml_tag(name, shape), shape) for name, shape in self.members.items()}

    @cached_property
    def query_names(self) -> dict[str, tuple[str, Shape]]:
        """Parameter of the query protocol -> (member, its shape); XML names its elements alike."""
        return {tag: (name, shape) for name, (tag, shape) in self.xml_tags.items()}

    @cached_property
    def ec2_names(self) -> dict[str, tuple[str, Shape]]:
        """Parameter of the ec2 protocol -> (member, its shape)."""
        return {_ec2_name(name, shape): (name, shape) for name, shape in self.members.items()}

    @cached_property
    def json_names(self) -> dict[str, tuple[str, Shape]]:
        """Key in a JSON object -> (member, its shape)."""
        return {shape.wire_name or name: (name, shape) for name, shape in self.members.items()}


def _xml_tag(name: str, shape: Shape) -> str:
    """Return the element of a member; a flattened list is named by what it lists."""
    if shape.kind == "list" and shape.flattened and shape.member.wire_name:
        return shape.member.wire_name
    return shape.wire_name or name


def _ec2_name(name: str, shape: Shape) -> str:
    wire_name = shape.wire_name or name
    return str(shape.traits.get("queryName") or wire_name[0].upper() + wire_name[1:])


@dataclass(frozen=True, eq=False, repr=False)
class Operation:
    name: str
    method: str
    uri: str
    status: int
    input: Shape | None
    output: Shape | None
    result_wrapper: str | None
    deprecated: bool

    def __repr__(self) -> str:
        return f"Operation({self.name})"
