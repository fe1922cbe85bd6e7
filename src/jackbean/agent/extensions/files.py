"""`files`: written anew at every deployment, in the order of their paths.

What was there before is kept beside it as PATH.bak. A file is complete before it has its name, so
nobody sees half of it.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jackbean.agent.extensions import mustache
from jackbean.agent.extensions.accounts import Accounts
from jackbean.agent.extensions.bench import FOLDERS, PROXY_FILES, Bench
from jackbean.agent.extensions.fetching import fetch
from jackbean.agent.phases import StepFailed
from jackbean.core.instructions import Extension, File

# What the instance has made for itself, and needs as it is.
OURS = ("/opt/elasticbeanstalk/bin/get-config",)
CLOSED = ("/dev", "/opt/jackbean", "/proc", "/run/jackbean", "/sys", "/var/lib/jackbean")
NOT_ALLOWED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
PROXY = "/etc/nginx/"
TRIED = ("/tmp/", "/opt/", "/usr/local/bin/")  # noqa: S108 - where bundles put what they run
SHOWN_MAX = 5
TEMPLATE_BYTES_MAX = 1 << 20


def drop_proxy_files(bench: Bench, extensions: Sequence[Extension]) -> None:
    """Remove the files of nginx that an earlier bundle wrote and this one does not.

    They are part of a configuration that is whole or of no use: one that is broken would keep every
    later version from being deployed.
    """
    register = bench.run.paths.own / PROXY_FILES
    declared = {f.path for e in extensions for f in e.files if f.path.startswith(PROXY)}
    try:
        before = {str(path) for path in json.loads(register.read_text())}
    except (OSError, ValueError, TypeError):
        before = set()
    for path in sorted(before - declared):
        bench.place(path).unlink(missing_ok=True)
        bench.journal.info(f"Removed {path}, which an earlier bundle wrote")
    if declared:
        register.write_text(json.dumps(sorted(declared)))
    else:
        register.unlink(missing_ok=True)


def write_all(bench: Bench, extension: Extension) -> None:
    """Write every file of a config file."""
    for file in extension.files:
        bench.run.check()
        if file.path in OURS:
            bench.notice(f"{extension.name}: files: {file.path} is the instance's own; it stays.")
        elif any(file.path == path or file.path.startswith(f"{path}/") for path in CLOSED):
            raise StepFailed(
                f"files: {file.path} belongs to the instance itself; use another path."
            )
        else:
            _attempt(bench, extension.name, file)
    if bench.plain:
        _tell_where(bench, extension)


def _tell_where(bench: Bench, extension: Extension) -> None:
    """Tell of files that are elsewhere, where nobody but commands of the bundle finds them."""
    paths = [file.path for file in extension.files if not file.path.startswith((*FOLDERS, *TRIED))]
    if paths:
        bench.notice(
            f"{extension.name}: files: {', '.join(paths[:SHOWN_MAX])}: written below the "
            "instance's folder, since instances of mode plain share the machine's file system; "
            "programs that look for them at their paths do not find them. Use mode user or root."
        )


def _attempt(bench: Bench, name: str, file: File) -> None:
    try:
        _write(bench, file)
    except OSError as error:
        if error.errno not in NOT_ALLOWED:
            raise StepFailed(f"files: {file.path}: {error.strerror}.") from None
        bench.notice(f"{name}: files: {file.path} is not written: {_why_not(error)}")


def _why_not(error: OSError) -> str:
    if error.errno == errno.EROFS:
        return (
            "the machine's programs are there, which no instance changes; use /usr/local or /opt."
        )
    return f"{error.strerror}; in mode root an instance has a file system of its own."


def _write(bench: Bench, file: File) -> None:
    path = bench.place(file.path)
    if path.is_dir() and not path.is_symlink():
        raise StepFailed(f"files: {file.path} is a folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name[:200]}.{time.time_ns()}")
    try:
        if stat.S_ISLNK(file.mode):
            _link(bench, file, new)
        else:
            _fill(bench, file, new)
        changed = _differs(path, new)
        _keep(path)
        new.replace(path)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    bench.written.update((file.path, f"{file.path}.bak"))
    if changed:
        bench.changed["files"].add(file.path)
    bench.journal.info(f"Wrote {file.path}")


def _fill(bench: Bench, file: File, new: Path) -> None:
    """Make the file whole under its preliminary name."""
    new.touch(mode=0o600)
    if file.origin:
        fetch(bench, file.origin, new)
    else:
        new.write_bytes(_content(file))
    if file.context is not None:
        _render(file, new)
    _own(bench, file, new)
    new.chmod(stat.S_IMODE(file.mode))


def _content(file: File) -> bytes:
    if not file.encoded:
        return (file.content or "").encode()
    import base64  # noqa: PLC0415 - seldom needed

    try:
        return base64.b64decode(file.content or "")
    except ValueError as error:
        raise StepFailed(f"files: {file.path}: its content is not base64: {error}.") from None


def _render(file: File, new: Path) -> None:
    if new.stat().st_size > TEMPLATE_BYTES_MAX:
        raise StepFailed(
            f"files: {file.path}: a template has at most {TEMPLATE_BYTES_MAX >> 20} MB."
        )
    try:
        new.write_text(mustache.render(new.read_text("utf-8"), file.context or {}))
    except ValueError as error:
        raise StepFailed(f"files: {file.path} is no template: {error}.") from None


def _link(bench: Bench, file: File, new: Path) -> None:
    """Make a link; what it leads to gets the rest of the mode."""
    goal = file.content or ""
    mapped = bench.place(goal) if bench.plain and goal in bench.written else Path(goal)
    new.symlink_to(mapped)
    mode = stat.S_IMODE(file.mode)
    if mode:
        with suppress(OSError):  # it is not there yet, or not ours to change
            new.chmod(mode)


def _own(bench: Bench, file: File, new: Path) -> None:
    """Give a file its owner, where there is more than one account to give it to."""
    if bench.single_account:
        if (file.owner, file.group) not in bench.single_account:
            bench.notice(
                f"Instances of mode {bench.run.host.config.mode} have one account: owners of files "
                "are not set. In mode root they are."
            )
        return
    accounts = Accounts(bench.place("/etc"))
    os.chown(new, accounts.uid(file.owner), accounts.gid(file.group))


def _differs(path: Path, new: Path) -> bool:
    """Tell if a file is another one than the one that is there, in content or rights."""
    try:
        before, after = path.lstat(), new.lstat()
        if stat.S_ISLNK(before.st_mode) or stat.S_ISLNK(after.st_mode):
            return not (
                path.is_symlink() and new.is_symlink() and path.readlink() == new.readlink()
            )
        if (before.st_mode, before.st_size, before.st_uid) != (
            after.st_mode,
            after.st_size,
            after.st_uid,
        ):
            return True
        return not _same_bytes(path, new)
    except OSError:
        return True


def _same_bytes(path: Path, new: Path) -> bool:
    with path.open("rb") as first, new.open("rb") as second:
        while True:
            piece = first.read(1 << 20)
            if piece != second.read(1 << 20):
                return False
            if not piece:
                return True


def _keep(path: Path) -> None:
    """Put what is there beside; a link that is replaced is not kept."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        path.replace(path.with_name(f"{path.name}.bak"))
