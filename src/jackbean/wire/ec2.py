"""The ec2 protocol: the query protocol's older cousin.

Parameters are capitalised and lists are always flattened (`InstanceId.1`); answers have no result
element, and their request id is spelled `requestId` (`RequestID` in errors).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.wire import forms, xmlwrite
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.models import Model
from jackbean.wire.request import Parsed

CONTENT_TYPE = "text/xml;charset=UTF-8"
INVALID = "InvalidParameterValue"


def parse(model: Model, operation: str, form: bytes | str, limits: Limits = LIMITS) -> Parsed:
    """Return the typed parameters of a form or query string, as `query.parse` does."""
    shape = model.operation(operation).input
    return forms.parse(shape, form, lambda shape: shape.ec2_names, INVALID, limits)


def serialize(model: Model, operation: str, result: Mapping[str, Any], request_id: str) -> bytes:
    """Return the answer to an operation; one without output says that it returns true."""
    output = model.operation(operation).output
    out = [f'<{operation}Response xmlns="{xmlwrite.attribute(model.xml_namespace)}">']
    out.append(xmlwrite.leaf("requestId", request_id))
    if output is None:
        out.append("<return>true</return>")
    else:
        xmlwrite.members(out, output, result)
    out.append(f"</{operation}Response>")
    return "".join(out).encode()


def error(fault: WireFault, request_id: str) -> bytes:
    """Return the error document."""
    told = xmlwrite.leaves({"Code": fault.code, "Message": fault.message, **fault.extras})
    request = xmlwrite.leaf("RequestID", request_id)
    return f"<Response><Errors><Error>{told}</Error></Errors>{request}</Response>".encode()
