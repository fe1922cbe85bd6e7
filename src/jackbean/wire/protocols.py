"""The protocols behind one interface: a request in, its members; a result in, a whole response.

The five differ in where an operation is named, in how values are written and in how errors look;
an adapter that serves a service need not know which of them was spoken:

    target = route.identify(request)
    protocol = PROTOCOLS[target.protocol]
    try:
        model = models.get(target.service)
        operation = protocol.operation(model, target, request)
        parsed = protocol.parse(model, operation, request)
        response = protocol.answer(model, operation, result, request_id)
    except WireFault as fault:
        response = protocol.refuse(fault, request_id, model)

The `Date` header, which the EB CLI demands of every response, is the server's to add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.wire import cbor, ec2, json, query, restxml, route
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import limits_of
from jackbean.wire.models import Model
from jackbean.wire.request import HttpRequest, HttpResponse, Parsed

REQUEST_ID = "x-amzn-RequestId"
Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Protocol:
    name: str
    operation: Callable[[Model, route.Target, HttpRequest], str]
    parse: Callable[[Model, str, HttpRequest], Parsed]
    answer: Callable[[Model, str, Result, str], HttpResponse]
    refuse: Callable[[WireFault, str, Model | None], HttpResponse]


def _response(
    status: int, request_id: str, content_type: str, body: bytes, *more: tuple[str, str]
) -> HttpResponse:
    headers = ((REQUEST_ID, request_id), ("Content-Type", content_type), *more)
    return HttpResponse(status, headers, body)


def _named(model: Model, target: route.Target, request: HttpRequest) -> str:
    """Return the operation that the request names."""
    if target.operation is None:
        message = f"The request names no action of {model.service}: give it as Action=..."
        raise WireFault("MissingAction", message)
    found = model.as_query if target.protocol == route.QUERY else model
    return found.operation(target.operation).name


def _form(request: HttpRequest) -> bytes | str:
    in_query = "Action=" in request.query or "Operation=" in request.query
    return request.query if in_query or not request.body else request.body


def _parse_query(model: Model, operation: str, request: HttpRequest) -> Parsed:
    return query.parse(model.as_query, operation, _form(request), limits_of(model.service))


def _answer_query(model: Model, operation: str, result: Result, request_id: str) -> HttpResponse:
    body = query.serialize(model.as_query, operation, result, request_id)
    return _response(200, request_id, query.CONTENT_TYPE, body)


def _refuse_query(fault: WireFault, request_id: str, model: Model | None) -> HttpResponse:
    if model and fault.code in model.query_codes:
        code, sender = model.query_codes[fault.code], fault.sender
        fault = WireFault(code, fault.message, fault.status, sender=sender, extras=fault.extras)
    body = query.error(fault, request_id, model.xml_namespace if model else "")
    return _response(fault.status, request_id, query.CONTENT_TYPE, body)


def _parse_ec2(model: Model, operation: str, request: HttpRequest) -> Parsed:
    return ec2.parse(model, operation, _form(request))


def _answer_ec2(model: Model, operation: str, result: Result, request_id: str) -> HttpResponse:
    body = ec2.serialize(model, operation, result, request_id)
    return _response(200, request_id, ec2.CONTENT_TYPE, body)


def _refuse_ec2(fault: WireFault, request_id: str, _: Model | None) -> HttpResponse:
    body = ec2.error(fault, request_id)
    return _response(fault.status, request_id, ec2.CONTENT_TYPE, body)


def _parse_json(model: Model, operation: str, request: HttpRequest) -> Parsed:
    return json.parse(model, operation, request.body or b"", limits_of(model.service))


def _answer_json(model: Model, operation: str, result: Result, request_id: str) -> HttpResponse:
    body = json.serialize(model, operation, result)
    return _response(200, request_id, json.content_type(model), body)


def _refuse_json(fault: WireFault, request_id: str, model: Model | None) -> HttpResponse:
    content_type = json.content_type(model) if model else "application/x-amz-json-1.1"
    return _response(
        fault.status, request_id, content_type, json.error(fault), *_old_code(fault, model)
    )


def _old_code(fault: WireFault, model: Model | None) -> tuple[tuple[str, str], ...]:
    """Return the header with an error's former code, of a service that once spoke query.

    Such a service names its errors by shape in the body, and by the old code in a header.
    """
    if model is None or not model.query_compatible:
        return ()
    old = model.query_codes.get(fault.code) or model.fault(fault.code, fault.message).code
    kind = "Sender" if fault.sender else "Receiver"
    return (("x-amzn-query-error", restxml.header_value(f"{old};{kind}")),)


def _parse_cbor(model: Model, operation: str, request: HttpRequest) -> Parsed:
    return cbor.parse(model, operation, request.body or b"")


def _answer_cbor(model: Model, operation: str, result: Result, request_id: str) -> HttpResponse:
    body = cbor.serialize(model, operation, result)
    return _response(200, request_id, cbor.CONTENT_TYPE, body, cbor.HEADER)


def _refuse_cbor(fault: WireFault, request_id: str, model: Model | None) -> HttpResponse:
    more = (cbor.HEADER, *_old_code(fault, model))
    return _response(fault.status, request_id, cbor.CONTENT_TYPE, cbor.error(fault), *more)


def _resolve(model: Model, _: route.Target, request: HttpRequest) -> str:
    return restxml.resolve(model, request)


def _parse_rest(model: Model, operation: str, request: HttpRequest) -> Parsed:
    return restxml.parse(model, operation, request)


def _refuse_rest(fault: WireFault, request_id: str, _: Model | None) -> HttpResponse:
    headers = (("x-amz-request-id", request_id), ("Content-Type", restxml.CONTENT_TYPE))
    return HttpResponse(fault.status, headers, restxml.error(fault, request_id))


PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(route.QUERY, _named, _parse_query, _answer_query, _refuse_query),
        Protocol(route.EC2, _named, _parse_ec2, _answer_ec2, _refuse_ec2),
        Protocol(route.JSON, _named, _parse_json, _answer_json, _refuse_json),
        Protocol(route.CBOR, _named, _parse_cbor, _answer_cbor, _refuse_cbor),
        Protocol(route.REST, _resolve, _parse_rest, restxml.serialize, _refuse_rest),
    )
}
