"""What a process of an instance finds in its environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from jackbean.core.protocol import AgentConfig, Manifest

OURS = ("JBIK", "JBAK")  # how access keys of an installation begin
# What leads SDKs to the control plane, those of before 2023 as well.
NODE = "NODE_OPTIONS"
LEADING = ("AWS_DATA_PATH", "AWS_ENDPOINT_URL", NODE)
OF_A_KEY = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PORT_MAX = 65_535

# What the machine was set up with to reach package indexes, shared libraries and the services of
# the control plane: it is handed on.
INHERITED_PREFIXES = ("AWS_", "PIP_", "UV_", "SSL_CERT_")
INHERITED_NAMES = frozenset(
    (
        "LD_LIBRARY_PATH",
        "TZ",
        "TMPDIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        NODE,
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    )
)


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is handed on of an agent's own environment."""
    return {
        name: value
        for name, value in environment.items()
        if name in INHERITED_NAMES or name.startswith(INHERITED_PREFIXES)
    }


def application_port(config: AgentConfig, manifest: Manifest, default: int) -> int:
    """Return where the application listens.

    The engine's word comes first (instances that share a network must not meet), then property
    PORT, which moves the proxy as well, then the platform's default.
    """
    if config.app_port:
        return config.app_port
    said = manifest.environment.get("PORT", "")
    if said.isdecimal() and 0 < int(said) <= PORT_MAX:
        return int(said)
    return default


def base(runtime_path: tuple[str, ...], home: Path) -> dict[str, str]:
    """Return what every process has, whatever the release says."""
    return {
        **inherited(os.environ),
        "PATH": ":".join((*runtime_path, SYSTEM_PATH)),
        "HOME": str(home),
        "LANG": "C.UTF-8",
    }


def properties(manifest: Manifest) -> dict[str, str]:
    """Return the environment properties; names and values that no process can be given are out."""
    return {
        name: value
        for name, value in manifest.environment.items()
        if name and "=" not in name and "\0" not in name + value
    }


def with_properties(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a release's programs: its properties outweigh everything."""
    left = dict(base)
    for name in OF_A_KEY if "AWS_ACCESS_KEY_ID" in own else ():
        left.pop(name, None)
    for name in LEADING if means_aws(own) else ():
        left.pop(name, None)
    if NODE in left and NODE in own:
        return {**left, **own, NODE: f"{left[NODE]} {own[NODE]}"}
    return {**left, **own}


def means_aws(properties: Mapping[str, str]) -> bool:
    """Whether an application brings an AWS access key of its own, and so means AWS itself.

    Then nothing leads to the services of the control plane.
    """
    return not properties.get("AWS_ACCESS_KEY_ID", OURS[0]).startswith(OURS)


def env_file(properties: Mapping[str, str]) -> str:
    """Return the lines of /opt/elasticbeanstalk/deployment/env.

    They are plain, as scripts expect them, but for values of several lines or with spaces at an
    end: those are quoted as both systemd and shells read them.
    """
    return "".join(f"{name}={_quoted(value)}\n" for name, value in sorted(properties.items()))


def _quoted(value: str) -> str:
    if "\n" not in value and value == value.strip():
        return value
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'
