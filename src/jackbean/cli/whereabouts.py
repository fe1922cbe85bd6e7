"""Where a command goes: which endpoint, with whose keys, in which region.

A flag beats the environment, the environment beats the folder's file. Where nobody names an
endpoint or a profile, an installation that is being served from the default data directory is
taken: a laptop's `jb` needs no variables, and a forgotten one can do no harm on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DATA_DIR = "JACKBEAN_DATA_DIR"
DEFAULT_DATA_DIR = Path("~/.jackbean")
ENDPOINTS = ("AWS_ENDPOINT_URL_ELASTIC_BEANSTALK", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
PROFILES = ("AWS_PROFILE", "AWS_EB_PROFILE")


@dataclass(frozen=True)
class Flags:
    """What every command can be told about where to go."""

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    verify: bool = True


@dataclass(frozen=True)
class Whereabouts:
    """`endpoint` None leaves it to botocore: a profile can have one, and else it is AWS."""

    endpoint: str | None
    region: str
    profile: str = ""
    keys: tuple[str, str] | None = None
    why: str = ""

    @property
    def near(self) -> bool:
        """Say whether it is this machine: then there is no reason to ask seldom."""
        host = urlsplit(self.endpoint or "").hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")


def find(flags: Flags, folder: Mapping[str, str], environ: Mapping[str, str]) -> Whereabouts:
    """Return where to go; `folder` has the `profile` and `default_region` of config.yml."""
    named = flags.endpoint_url or _first(environ, ENDPOINTS)
    profile = flags.profile or folder.get("profile", "")
    region = flags.region or folder.get("default_region", "") or _first(environ, REGIONS)
    if named:
        why = "--endpoint-url" if flags.endpoint_url else "AWS_ENDPOINT_URL"
        return Whereabouts(named, region, profile, why=f"{named} ({why})")
    if not profile and not _first(environ, PROFILES):
        home = Path(environ.get(DATA_DIR) or DEFAULT_DATA_DIR).expanduser()
        if served := _served(home, region):
            return served
    return Whereabouts(None, region, profile, why=f"AWS, region {region or 'of the profile'}")


def _served(directory: Path, region: str) -> Whereabouts | None:
    from jackbean.core.errors import JackbeanError
    from jackbean.server.home import Home

    home = Home(directory)
    try:
        identity, serving = home.known(), home.serving()
    except JackbeanError:
        return None
    if identity is None or serving is None or not serving.alive:
        return None
    return Whereabouts(
        serving.url,
        region or identity.region,
        keys=(identity.access_key, identity.secret_key),
        why=f"{serving.url}, the installation served from {directory}",
    )


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")
