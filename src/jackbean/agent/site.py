"""nginx's configuration of a release: ours, what the machine was given besides, and the bundle's.

In this order, a later file taking the place of an earlier one of the same name: the files that
somebody other than us has put into /etc/nginx (an `.ebextensions` file, a command), those that we
make, and those below `.platform/nginx` in the bundle.

Bundles spell ports and paths as Elastic Beanstalk's instances have them. Where an instance has no
network or no file system of its own they are other ones, and what a bundle's files say of them is
changed accordingly.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from jackbean.agent import nginx
from jackbean.agent.children import account
from jackbean.agent.phases import StepFailed
from jackbean.agent.run import Run

STATICS = "aws:elasticbeanstalk:environment:proxy:staticfiles"
PROXY = "aws:elasticbeanstalk:environment:proxy"
OVERLAY = ".platform/nginx"
HTTPD = ".platform/httpd"
FILES_MAX = 200
FILE_BYTES_MAX = 1 << 20
LEGACY = ".ebextensions/nginx"
SEEN = "seen:"
LIVE, FOREIGN = "nginx-live.json", "nginx-foreign.json"  # names of files: ours, and others'
PLACES = ("/var/app/current", "/var/app/staging", "/var/log/", "/etc/nginx/", "/var/run/", "/run/")


def configure(run: Run, root: Path, address: tuple[str, int]) -> None:
    """Write the whole configuration into the proxy's staging directory.

    `root` is where the release's source is now, `address` where its application listens.
    """
    folder = run.paths.nginx_staging
    try:
        site = proxy_site(run, root, address)
    except nginx.Unsafe as error:
        raise StepFailed(str(error)) from None
    ours = nginx.files(site)
    others = dict(foreign(run))
    for name, data in others.items():
        _write(folder / name, data)
    for name, text in ours.items():
        _write(folder / name, text.encode())
    if site.server != nginx.NONE:
        _overlay(run, root / OVERLAY, folder, site)
    (run.paths.own / FOREIGN).write_text(json.dumps(sorted(others)))
    if site.user:  # nginx's workers begin a file there each hour
        os.chown(run.paths.healthd_logs, *account(site.user))


def proxy_site(run: Run, root: Path, address: tuple[str, int]) -> nginx.ProxySite:
    """Return what nginx is to do for this release, whose application listens at an address."""
    config, paths = run.host.config, run.paths
    wanted = run.manifest.options.get(STATICS) or {
        path: folder for path, folder in run.platform.statics.items() if (root / folder).is_dir()
    }
    nginx.check_statics(wanted)
    return nginx.ProxySite(
        listen=f"{config.address}:{config.port}",
        upstream=nginx.upstream(*address),
        waiting=str(paths.waiting),
        hold=str(paths.hold),
        logs=str(paths.nginx_logs),
        state=str(paths.nginx_state),
        user=_proxy_user(config.user),
        drain_s=max(1, round(run.manifest.drain_s)),
        statics={path: str(paths.current / folder.strip("/")) for path, folder in wanted.items()},
        server=_server(run, root),
        passes=run.platform.passes,
        other_name=_other_name(run, root),
        worker_s=run.worker.inactivity_timeout_s if run.worker else 0,
        document_root=run.platform.document_root(run) if run.platform.document_root else "",
    )


def _server(run: Run, root: Path) -> str:
    said = run.option(PROXY, "ProxyServer", "nginx")
    if said == "apache":
        run.warn("ProxyServer is apache, which does not run here: nginx serves instead.")
        if (root / HTTPD).is_dir():
            run.warn(f"What is in {HTTPD} is for Apache and has no effect; see {OVERLAY}.")
        return "nginx"
    if (root / LEGACY).is_dir():
        run.warn(f"What is in {LEGACY} is not read on this platform; move it to {OVERLAY}.")
    return said


def _other_name(run: Run, root: Path) -> str:
    """Return by which name the bundle's files may call the application, unless they define it."""
    name = run.platform.upstream
    if not name:
        return ""
    texts = (path.read_bytes() for path in _overlaid(root / OVERLAY))
    pattern = rb"\bupstream\s+" + re.escape(name.encode()) + rb"\b"
    return "" if any(re.search(pattern, text) for text in texts) else name


def is_touched(run: Run) -> bool:
    """Tell if what is staged is not ours alone."""
    return (run.paths.staging / OVERLAY).is_dir() or bool(_names(run.paths.own / FOREIGN))


def take_up(run: Run) -> bool:
    """Make the staged configuration the live one; tell if nginx has to read it again."""
    changed = run.host.proxy.install()
    staged = run.paths.nginx_staging
    names = {str(path.relative_to(staged)) for path in staged.rglob("*") if path.is_file()}
    others = names & _names(run.paths.own / FOREIGN)
    # Files of others are live already: what matters is whether nginx has read them.
    seen = {f"{SEEN}{name}:{crc32((staged / name).read_bytes()):08x}" for name in others}
    before = _names(run.paths.own / LIVE)
    (run.paths.own / LIVE).write_text(json.dumps([*sorted(names - others), *sorted(seen)]))
    return changed or not seen <= before


def _names(file: Path) -> set[str]:
    try:
        return set(map(str, json.loads(file.read_text())))
    except (OSError, ValueError, TypeError):
        return set()


def foreign(run: Run) -> Iterator[tuple[str, bytes]]:
    """Yield the live files of conf.d that neither we nor an earlier bundle has put there."""
    known, live = _names(run.paths.own / LIVE), run.paths.nginx
    for path in sorted((live / "conf.d").rglob("*.conf"))[:FILES_MAX]:
        name = str(path.relative_to(live))
        if name not in known and path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
            yield name, path.read_bytes()


def _overlay(run: Run, source: Path, folder: Path, site: nginx.ProxySite) -> None:
    """Put the bundle's files over ours."""
    for path in _overlaid(source):
        name = str(path.relative_to(source))
        run.log.info(f"Copying {OVERLAY}/{name} over the proxy's configuration")
        _write(folder / name, adapted(path.read_bytes(), run, site))


def _overlaid(source: Path) -> list[Path]:
    """Return the bundle's files. Raises StepFailed for too many, or one that is too long."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if len(files) > FILES_MAX:
        raise StepFailed(f"{OVERLAY} has over {FILES_MAX} files.")
    for path in files:
        if path.stat().st_size > FILE_BYTES_MAX:
            name = path.relative_to(source)
            raise StepFailed(f"{OVERLAY}/{name} is over {FILE_BYTES_MAX >> 20} MB.")
    return files


def adapted(data: bytes, run: Run, site: nginx.ProxySite) -> bytes:
    """Return a bundle's file with its ports and paths as they are on this instance."""
    config = run.host.config
    user = f"user {site.user};" if site.user else ""
    text = re.sub(rb"(?m)^\s*user\s+[^;]+;", user.encode(), data)
    if b"gzip_static" in text and not run.host.proxy.has("http_gzip_static"):
        text = nginx.without_gzip_static(text)
    if run.paths.prefix:
        for place in PLACES:
            pattern = rb"(?<![\w/.])" + re.escape(place.encode())
            there = (run.paths.prefix + place).encode()
            text = re.sub(pattern, there.replace(b"\\", rb"\\\\"), text)
    text = nginx.listening(text, site.listen)
    if not config.app_port and not run.paths.prefix:
        return text
    default = str(run.platform.port).encode()
    pattern = rb"\b(?:127\.0\.0\.1|localhost|0\.0\.0\.0):" + default + rb"\b"
    if not site.upstream.startswith("unix:"):
        text = re.sub(pattern, site.upstream.encode(), text)
    return text


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _proxy_user(user: str) -> str:
    """Return the account of nginx's workers: its own, else the application's, else ours."""
    if os.geteuid() != 0:
        return ""
    import pwd  # noqa: PLC0415 - not wanted where there is but one account

    names = ("nginx", user) if user else ()
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in names if name in known), pwd.getpwuid(0).pw_name)
