"""The REST-XML protocol: S3's. Members come in the path, the query, headers and the body.

The body of a streaming member is left to the caller, in both directions. What is known of the
operation comes from its model; the names of S3's root elements come from our overlay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from jackbean.wire import scalars, xmlread, xmlwrite
from jackbean.wire.errors import Findings, WireFault, quoted
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.models import Model
from jackbean.wire.request import HttpRequest, HttpResponse, Parsed
from jackbean.wire.shapes import Operation, Shape

CONTENT_TYPE = "application/xml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PARAMS_MAX = 200
_STREAMS = frozenset(("blob", "string"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_HEADER_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')

Query = dict[str, list[str]]


def resolve(model: Model, request: HttpRequest) -> str:
    """Return the operation that a request is for."""
    query = _query(request)
    return model.routes.resolve(request.method, request.path, query, request.headers)[0]


def parse(model: Model, operation: str, request: HttpRequest, limits: Limits = LIMITS) -> Parsed:
    """Return the typed members of a request, without the body of a streaming member.

    Raises one `WireFault` for all that is wrong: `MalformedXML` when the body is, otherwise
    `InvalidArgument`.
    """
    query = _query(request)
    routed, labels = model.routes.resolve(request.method, request.path, query, request.headers)
    assert routed == operation, f"{routed} was asked for, not {operation}"  # noqa: S101  a bug
    shape = model.operation(operation).input
    if shape is None:
        return Parsed({})
    findings = Findings()
    members = dict(_placed(shape, (labels, query, request.headers), findings))
    findings.refuse("InvalidArgument")
    members.update(_body(shape, request.body, findings, limits))
    findings.refuse("MalformedXML")
    return Parsed(members, tuple(findings.unknown))


def _query(request: HttpRequest) -> Query:
    """Return the parameters of the query; those that are not UTF-8 are refused."""
    parts = [part for part in request.query.split("&") if part]
    if len(parts) > _PARAMS_MAX:
        raise WireFault("InvalidURI", f"The query has more than {_PARAMS_MAX} parameters.")
    query: Query = {}
    for part in parts:
        name, _, value = part.replace("+", " ").partition("=")
        query.setdefault(_decoded(name), []).append(_decoded(value))
    return query


def _decoded(raw: str) -> str:
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeError:
        raise WireFault("InvalidURI", f"{quoted(raw)} in the URI is not UTF-8.") from None


# Reading members by their place

_Sources = tuple[Mapping[str, str], Query, Mapping[str, str]]


def _placed(shape: Shape, sources: _Sources, findings: Findings) -> Iterator[tuple[str, Any]]:
    """Yield the members that are in the path, the query and the headers."""
    for name, member in shape.members.items():
        reader = _PLACES.get(member.location or "")
        if reader is None:
            continue
        wire_name = member.wire_name or name
        found = reader(member, wire_name, sources, findings)
        if found is not None:
            yield name, found
        elif name in shape.required:
            findings.missing(wire_name)


def _from_path(member: Shape, name: str, sources: _Sources, findings: Findings) -> Any:
    raw = sources[0].get(name)
    return None if raw is None else xmlread.scalar(member, _decoded(raw), name, findings)


def _from_query(member: Shape, name: str, sources: _Sources, findings: Findings) -> Any:
    given = sources[1]
    if member.kind == "map":
        return {key: values[-1] for key, values in given.items()}
    values = given.get(name)
    if values is None:
        return None
    if member.kind == "list":
        return [xmlread.scalar(member.member, value, name, findings) for value in values]
    return xmlread.scalar(member, values[-1], name, findings)


def _from_header(member: Shape, name: str, sources: _Sources, findings: Findings) -> Any:
    text = sources[2].get(name)
    if text is None:
        return None
    if member.kind == "list":
        return [xmlread.scalar(member.member, item, name, findings) for item in _items(text)]
    return xmlread.scalar(member, text.strip(), name, findings)


def _items(text: str) -> Iterator[str]:
    """Yield the items of a comma-separated header; items with commas are in double quotes."""
    at = 0
    while at < len(text):
        found = _HEADER_ITEM.match(text, at)
        if found is None:
            return
        quoted_item, plain = found[1], found[2]
        yield plain.strip() if quoted_item is None else quoted_item.replace('\\"', '"')
        at = found.end()


def _from_headers(
    member: Shape, prefix: str, sources: _Sources, _: Findings
) -> dict[str, str] | None:
    prefix = prefix.lower()
    headers = sources[2]
    found = {name[len(prefix) :]: headers[name] for name in headers if name.startswith(prefix)}
    return found or None


_PLACES: Mapping[str, Callable[[Shape, str, _Sources, Findings], Any]] = {
    "uri": _from_path,
    "querystring": _from_query,
    "header": _from_header,
    "headers": _from_headers,
}


def _body(
    shape: Shape, body: bytes | None, findings: Findings, limits: Limits
) -> Mapping[str, Any]:
    """Return the members that are in the body; nothing of one that is streamed."""
    if shape.payload is None:
        if not _in_body(shape):
            return {}
        root = xmlread.parse(body, limits) if body else xmlread.Node("", {})
        return xmlread.structure(shape, root, "", findings)
    member = shape.members[shape.payload]
    if member.kind in _STREAMS:
        return {} if body is None else {shape.payload: _as_sent(member, body)}
    if not body:
        if shape.payload in shape.required:
            findings.missing(member.wire_name or shape.payload)
        return {}
    root = xmlread.parse(body, limits)
    return {shape.payload: xmlread.value(member, [root], f"{root.tag}.", findings)}


def _as_sent(member: Shape, body: bytes) -> bytes | str:
    if member.kind == "blob":
        return body
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise WireFault("InvalidArgument", "The body is not UTF-8.") from None


def _in_body(shape: Shape) -> bool:
    return any(member.location is None for member in shape.members.values())


# Writing


def serialize(
    model: Model, operation: str, result: Mapping[str, Any], request_id: str
) -> HttpResponse:
    """Return the answer; a streaming member's bytes are the body when they are in `result`."""
    found = model.operation(operation)
    headers = [("x-amz-request-id", request_id)]
    if found.output is None:
        return HttpResponse(found.status, tuple(headers))
    headers += _headers(found.output, result)
    body, content_type = _written(model, found, result)
    if content_type:
        headers.append(("Content-Type", content_type))
    return HttpResponse(_status(found, result), tuple(headers), body)


def _status(operation: Operation, result: Mapping[str, Any]) -> int:
    assert operation.output is not None  # noqa: S101  the caller has looked
    for name, member in operation.output.members.items():
        if member.location == "statusCode" and result.get(name) is not None:
            return int(result[name])
    return operation.status


def _headers(shape: Shape, result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, member in shape.members.items():
        given = result.get(name)
        if given is None:
            continue
        wire_name = member.wire_name or name
        if member.location == "header":
            yield wire_name, header_value(_header_text(member, given))
        elif member.location == "headers":
            for key, text in given.items():
                yield _CONTROL.sub("", wire_name + key), header_value(text)


def _header_text(member: Shape, given: Any) -> str:
    if member.kind == "list":
        return ",".join(_header_item(_header_text(member.member, item)) for item in given)
    return scalars.write(member, given, "rfc822")


def _header_item(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"' if "," in text or '"' in text else text


def header_value(text: str) -> str:
    """Return text that a header can carry: no control characters, one character per byte."""
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode("latin-1")


def _written(
    model: Model, operation: Operation, result: Mapping[str, Any]
) -> tuple[bytes, str | None]:
    """Return the body and its type."""
    output = operation.output
    assert output is not None  # noqa: S101  the caller has looked
    if output.payload is not None:
        return _payload(model, output, output.payload, result.get(output.payload))
    if not _in_body(output):
        return b"", None
    tag = model.root_elements.get(operation.name) or output.wire_name or output.name
    if operation.name in model.unwrapped:
        (only,) = output.members
        return _document(model, tag, xmlwrite.text(result.get(only) or "")), CONTENT_TYPE
    out: list[str] = []
    xmlwrite.members(out, output, result)
    return _document(model, tag, "".join(out)), CONTENT_TYPE


def _payload(model: Model, output: Shape, name: str, given: Any) -> tuple[bytes, str | None]:
    member = output.members[name]
    if member.kind in _STREAMS:
        return (given.encode() if isinstance(given, str) else given or b""), None
    if given is None:
        return b"", None
    out: list[str] = []
    xmlwrite.members(out, member, given)
    return _document(model, member.wire_name or member.name, "".join(out)), CONTENT_TYPE


def _document(model: Model, tag: str, inner: str) -> bytes:
    xmlns = f' xmlns="{xmlwrite.attribute(model.xml_namespace)}"' if model.xml_namespace else ""
    return f"{_DECLARATION}<{tag}{xmlns}>{inner}</{tag}>".encode()


def error(fault: WireFault, request_id: str) -> bytes:
    """Return S3's error document; `fault.extras` holds elements such as `Resource`."""
    told = {"Code": fault.code, "Message": fault.message, **fault.extras, "RequestId": request_id}
    return f"{_DECLARATION}<Error>{xmlwrite.leaves(told)}</Error>".encode()
