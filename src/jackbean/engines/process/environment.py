"""The variables that sandboxes inherit: how to reach the world, and where packages come from.

Everything else of the control plane's environment stays outside: it holds credentials.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping
from pathlib import Path

PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
# pip's name -> uv's, for those whose values mean the same
PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
}
UV = (
    "UV_CONCURRENT_DOWNLOADS",
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_SYSTEM_CERTS",
)
UV_INDEX_ACCESS = "UV_INDEX_"  # UV_INDEX_NAME_USERNAME and _PASSWORD
PLACES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX_URL")
COMMAS = ("UV_FIND_LINKS",)  # where pip has spaces
AS_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # all indexes count alike, as with pip on AWS


def network(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which programs reach the world through this machine's proxies."""
    wanted = {name for upper in PROXIES for name in (upper, upper.lower())}
    return {name: environ[name] for name in sorted(wanted | {*CERTIFICATES}) if environ.get(name)}


def packages(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `network`, and the variables that tell uv where packages are.

    What pip is told, by variables or in its files, counts for uv where uv is not told otherwise.
    """
    pip = pip_settings(pip_files(environ)) | {n: environ[n] for n in PIP if environ.get(n)}
    found = dict(AS_PIP)
    for name, value in pip.items():
        found[PIP[name]] = (",".join if PIP[name] in COMMAS else " ".join)(value.split())
    uv = {n: v for n, v in environ.items() if n in UV or n.startswith(UV_INDEX_ACCESS)}
    return found | network(environ) | {name: value for name, value in uv.items() if value}


def pip_files(environ: Mapping[str, str]) -> list[Path]:
    """Return the places of pip's settings, the weakest first."""
    home = Path(environ.get("HOME", "/nonexistent"))
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", own / "pip/pip.conf"]
    return [*files, Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else files


def pip_settings(files: Iterable[Path]) -> dict[str, str]:
    """Return what files say to pip, under the names of its variables."""
    found: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue  # pip itself will complain to whoever runs it
        for section in ("global", "install"):
            values = parser[section] if parser.has_section(section) else {}
            named = {f"PIP_{key.upper().replace('-', '_')}": v for key, v in values.items()}
            found |= {name: v for name, v in named.items() if name in PIP and v}
    return found


def uv_config(environ: Mapping[str, str]) -> Path | None:
    """Return the file of uv's settings that counts for whoever runs the control plane."""
    own = Path(
        environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/nonexistent"), ".config")
    )
    named = environ.get("UV_CONFIG_FILE")
    candidates = [Path(named)] if named else [own / "uv/uv.toml", Path("/etc/uv/uv.toml")]
    return next((file for file in candidates if file.is_file()), None)


def files(variables: Mapping[str, str]) -> list[str]:
    """Return the files and folders of this machine that such variables name."""
    named = [variables.get(name, "") for name in CERTIFICATES]
    for name in PLACES:
        named += variables.get(name, "").replace(",", " ").split()
    paths = [Path(word.removeprefix("file://")) for word in named]
    return sorted({str(_with_files(path)) for path in paths if path.is_absolute()})


def _with_files(path: Path) -> Path:
    """Return what holds an index and its files: the pages are in `simple`, the files beside it."""
    return path.parent if path.name == "simple" and path.parent != path.parent.parent else path
