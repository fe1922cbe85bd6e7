"""The query protocol: a form in, XML out. Elastic Beanstalk, IAM, STS, load balancers, stacks.

Two things that its clients rely on beyond the letter: every answer carries the request id in its
body, also of an operation that returns nothing, and an empty list is there as an empty element.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.wire import forms, xmlwrite
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.models import Model
from jackbean.wire.request import Parsed

CONTENT_TYPE = "text/xml"
INVALID = "ValidationError"


def parse(model: Model, operation: str, form: bytes | str, limits: Limits = LIMITS) -> Parsed:
    """Return the typed parameters of a form or query string.

    Raises one `WireFault` that names every missing and malformed parameter; parameters that the
    model does not know are returned apart.
    """
    shape = model.operation(operation).input
    return forms.parse(shape, form, lambda shape: shape.query_names, INVALID, limits)


def serialize(model: Model, operation: str, result: Mapping[str, Any], request_id: str) -> bytes:
    """Return the answer to an operation; timestamps may be aware datetimes or epoch seconds."""
    found = model.operation(operation)
    out = [f'<{operation}Response xmlns="{xmlwrite.attribute(model.xml_namespace)}">']
    if found.output is not None:
        wrapper = found.result_wrapper or f"{operation}Result"
        out.append(f"<{wrapper}>")
        xmlwrite.members(out, found.output, result)
        out.append(f"</{wrapper}>")
    request = xmlwrite.leaf("RequestId", request_id)
    out.append(f"<ResponseMetadata>{request}</ResponseMetadata></{operation}Response>")
    return "".join(out).encode()


def error(fault: WireFault, request_id: str, namespace: str = "") -> bytes:
    """Return the error document; without a namespace when no service could be told."""
    xmlns = f' xmlns="{xmlwrite.attribute(namespace)}"' if namespace else ""
    kind = "Sender" if fault.sender else "Receiver"
    told = {"Type": kind, "Code": fault.code, "Message": fault.message, **fault.extras}
    request = xmlwrite.leaf("RequestId", request_id)
    body = f"<Error>{xmlwrite.leaves(told)}</Error>{request}"
    return f"<ErrorResponse{xmlns}>{body}</ErrorResponse>".encode()
