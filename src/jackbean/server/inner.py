"""How instances with their own network reach the API: on the bridge, plainly or by AWS's names.

The machine's own listener is on loopback, which they do not see. What listens here hears only what
comes over the bridge.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl

from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.prepare import SECURE_PORT, Api
from jackbean.server.home import Serving, write_secret
from jackbean.server.options import ServeOptions

PROBE = "127.255.255.254"  # nobody listens on this one alone
FOLDER, BUNDLE = "authority", "trusted.pem"

log = logging.getLogger("jackbean.server")


def described(options: ServeOptions, serving: Serving) -> Api:
    """Return where instances find the API, with what they shall trust where that can be served."""
    api = Api(serving.url, serving.port, serving.region)
    if os.geteuid() != 0 or options.engine not in ("auto", "root"):
        return api
    if not _free(SECURE_PORT):
        log.warning(
            "port %d is taken on every address: SDKs older than 2023 do not reach this "
            "installation from instances, unless they are given AWS_ENDPOINT_URL",
            SECURE_PORT,
        )
        return api
    from jackbean.server import certificates  # noqa: PLC0415 - a tenth of a second, for this only

    folder = options.data_dir / FOLDER
    authority = certificates.Authority(folder)
    trusted = certificates.trusted_file(dict(os.environ))
    write_secret(folder / BUNDLE, certificates.bundle(authority, trusted))
    (folder / BUNDLE).chmod(0o644)
    return Api(serving.url, serving.port, serving.region, (folder / BUNDLE).resolve())


def plain(engine: ProcessEngine, port: int) -> list[socket.socket]:
    """Listen for instances; where the API listens on every address, it does so on theirs."""
    return _listeners(engine, port)


def secured(engine: ProcessEngine, api: Api) -> tuple[list[socket.socket], ssl.SSLContext | None]:
    """Listen for those that ask for AWS's names; return what to speak TLS with."""
    if engine.gateway is None or api.certificates is None:
        return [], None
    from jackbean.server import certificates  # noqa: PLC0415 - a tenth of a second, for this only

    found = _listeners(engine, SECURE_PORT)
    return found, certificates.Authority(api.certificates.parent).context() if found else None


def _listeners(engine: ProcessEngine, port: int) -> list[socket.socket]:
    if engine.gateway is None:
        return []
    address, interface = engine.gateway
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        listener.bind((str(address), port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        log.warning("nothing listens on %s:%d for instances: %s", address, port, error.strerror)
        return []
    return [listener]


def _free(port: int) -> bool:
    """Whether nobody listens on a port on every address."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((PROBE, port))
        return True
    return False
