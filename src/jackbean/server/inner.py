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
from pathlib import Path

from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.launch import JAVAS
from jackbean.engines.process.prepare import SECURE_PORT, Api
from jackbean.server.home import Serving, write_secret
from jackbean.server.options import ServeOptions
from jackbean.server.truststore import jks

PROBE = "127.255.255.254"  # nobody listens on this one alone
FOLDER, BUNDLE, CERTIFICATE, KEY = "authority", "trusted.pem", "authority.pem", "authority.key"
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")

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
    folder = (options.data_dir / FOLDER).resolve()
    trusted = f"{_trusted(dict(os.environ))}\n{_authority(folder)}"
    write_secret(folder / BUNDLE, trusted)
    (folder / BUNDLE).chmod(0o644)
    (folder / BUNDLE).with_suffix(JAVAS).write_bytes(jks(trusted))
    return Api(serving.url, serving.port, serving.region, folder / BUNDLE)


def _authority(folder: Path) -> str:
    """Return the certificate of this installation's authority, made now if it is new."""
    if not all((folder / name).exists() for name in (CERTIFICATE, KEY)):
        from jackbean.server import certificates  # noqa: PLC0415 - slow, and needed once

        certificates.found(folder / CERTIFICATE, folder / KEY)
    return (folder / CERTIFICATE).read_text()


def _trusted(environ: dict[str, str]) -> str:
    """Return the certificates that the machine trusts."""
    known = ssl.get_default_verify_paths().cafile
    named = (environ.get("SSL_CERT_FILE"), known, *BUNDLES)
    found = next((Path(name) for name in named if name and Path(name).is_file()), None)
    return found.read_text(errors="replace").rstrip() if found else ""


def plain(engine: ProcessEngine, port: int) -> list[socket.socket]:
    """Listen for instances; where the API listens on every address, it does so on theirs."""
    return _listeners(engine, port)


def secured(engine: ProcessEngine, api: Api) -> list[socket.socket]:
    """Listen for instances that ask for AWS's names."""
    return _listeners(engine, SECURE_PORT) if api.certificates else []


def context(api: Api) -> ssl.SSLContext:
    """Return what to speak TLS with. Slow: half a second of imports that nothing else waits for."""
    from jackbean.server import certificates  # noqa: PLC0415 - see above

    if api.certificates is None:
        raise AssertionError("nothing is secured here")
    folder = api.certificates.parent
    return certificates.Authority(folder / CERTIFICATE, folder / KEY).context()


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
