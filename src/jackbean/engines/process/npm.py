"""npm in the kitchen: what a package.json asks for, installed once for all instances.

Only requests whose meaning is in their text come here; what points into a bundle, or runs the
bundle's own scripts, its instances install by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jackbean.core.protocol import DependencyRequest
from jackbean.engines.process import installer
from jackbean.engines.process.builds import CACHE, Kitchen
from jackbean.engines.process.launch import RUNTIMES
from jackbean.engines.process.machine_runtimes import Found
from jackbean.engines.process.paths import Layout
from jackbean.ports.engine import Unresolvable

KINDS = {"npm": ("--omit=dev",), "npm-dev": ()}  # what of npm's arguments a kind means
FILES = ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
QUIET = ("--no-audit", "--no-fund", "--no-progress", "--prefer-offline")
# The files lie beside what comes out, as npm wants it, and are handed to instances with it.
SCRIPT = 'cp -R "$1"/. "$2" && cd "$2" && shift 2 && exec "$@"'


def check(request: DependencyRequest) -> None:
    """Refuse what is no request for npm. Raises Unresolvable."""
    try:
        installer.checked(request.files)
    except ValueError as error:
        raise Unresolvable(str(error), "") from error
    if "package.json" not in request.files or not set(request.files) <= set(FILES):
        raise Unresolvable("npm is given package.json, its lock file and .npmrc.", "")


def home(language: Found, layout: Layout, *, plain: bool) -> Path:
    """Return where a build sees Node.js."""
    if plain or language.shared:
        return language.home
    return Path(RUNTIMES) / language.home.relative_to(layout.runtimes)


async def install(
    kitchen: Kitchen, request: DependencyRequest, place: Path, environ: Mapping[str, str]
) -> None:
    """Install into the kitchen's target. Raises Unresolvable with what npm says."""
    npm = str(place / "lib/node_modules/npm/bin/npm-cli.js")
    told = variables(kitchen.env, place, environ)
    words = ("env", *(f"{name}={value}" for name, value in told.items()))
    command = (str(place / "bin/node"), npm, *KINDS[request.kind], "install", *QUIET)
    script = ("/bin/sh", "-c", SCRIPT, "npm", kitchen.request, kitchen.target)
    done = await kitchen.run((*script, *words, *command))
    if done.status:
        raise Unresolvable(
            "npm cannot install what package.json asks for.", installer.tail(done.output)
        )


def variables(env: Mapping[str, str], place: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return npm's environment: where packages come from, and where it keeps them."""
    named = {n: v for n, v in environ.items() if n.upper() == "NPM_CONFIG_REGISTRY"}
    cache = env.get("UV_CACHE_DIR", CACHE)
    return {
        **named,
        "PATH": f"{place}/bin:{env.get('PATH', '/usr/bin:/bin')}",
        "npm_config_cache": f"{cache}/npm",
        "npm_config_update_notifier": "false",
        **({"NODE_EXTRA_CA_CERTS": CERTIFICATES} if Path(CERTIFICATES).exists() else {}),
    }
