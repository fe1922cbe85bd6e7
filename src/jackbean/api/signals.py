"""Signals for wait conditions: what is PUT to a handle's URL, whoever has it.

AWS's URLs are presigned, of a bucket of CloudFormation's own. The signature in ours is all that is
asked for; what the Content-Type says does not matter, and AWS wants it empty.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.responses import Response

from jackbean.api.plant import Plant
from jackbean.core.errors import Fault, PortError
from jackbean.core.signals import read_signal
from jackbean.services.signals import name_in
from jackbean.wire import restxml
from jackbean.wire.errors import WireFault
from jackbean.wire.request import HttpRequest
from jackbean.wire.route import bucket_in_host


def handle_of(plant: Plant, http: HttpRequest) -> str:
    """Return the handle that a request is for, by its physical name; empty if it is for none."""
    installation = plant.world.installation
    bucket = bucket_in_host(http) or http.path.removeprefix("/").partition("/")[0]
    return name_in(http.path, installation) if bucket == installation.signal_bucket else ""


async def answer(plant: Plant, handle: str, http: HttpRequest, body: bytes) -> Response:
    """Take a signal, and answer as S3 does."""
    try:
        await _take(plant, handle, http, body)
    except Fault as fault:
        return _refused(plant, WireFault(fault.code, fault.message, fault.status))
    except PortError as error:
        text = f"Try again: {error}"
        return _refused(plant, WireFault("ServiceUnavailable", text, 503, sender=False))
    return Response(b"", 200, {"x-amz-request-id": plant.world.ids.request()})


async def _take(plant: Plant, handle: str, http: HttpRequest, body: bytes) -> None:
    if http.method != "PUT":
        raise Fault("MethodNotAllowed", "A signal is PUT to the URL of a handle.", 405)
    given = parse_qs(http.query, max_num_fields=20).get("Signature", [""])[0]
    genuine = plant.world.credentials.signature(handle)
    if not hmac.compare_digest(given.encode(), genuine.encode()):
        text = "The signature is not that of the handle. Use its URL whole, in quotes."
        raise Fault("SignatureDoesNotMatch", text, 403)
    if not await plant.signals.expected(handle):
        raise Fault("AccessDenied", "There is no such wait condition handle any more.", 403)
    await plant.signals.take(handle, read_signal(body))


def _refused(plant: Plant, fault: WireFault) -> Response:
    content = restxml.error(fault, plant.world.ids.request())
    return Response(content, fault.status, media_type="application/xml")
