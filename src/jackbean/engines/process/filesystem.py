"""An instance's own file system: a small directory tree under the machine's programs.

Programs and libraries (`allowed.USR`) are the machine's, mounted read-only where they are: nothing
is copied, a machine's updates reach new and old instances alike, and no layer of an overlay changes
underneath. All else (/etc, /opt, /var, /home, /tmp, /usr/local ...) is the instance's to write, on
disk, and ends with it.

Whoever runs in an instance may put a link anywhere in its tree. So after the first start nothing is
ever written there from outside, and where something is mounted is checked without following links.
"""
# ruff: noqa: PTH101, PTH102, PTH211 - a tree is some hundred calls, and pathlib doubles their price

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jackbean.engines.process import allowed

FOLDER, PUBLIC, PRIVATE = 0o755, 0o644, 0o600  # set by name: a control plane may mask rights
# As on Amazon Linux: localhost is IPv4's alone, so who listens there is where nginx looks.
HOSTS = """\
127.0.0.1 localhost localhost.localdomain localhost4 localhost4.localdomain4
::1 localhost6 localhost6.localdomain6
"""
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Identity:
    """What an instance calls itself. `owned` is whether files may belong to other accounts.

    `trusted` is its file of certificates, where it has one of its own.
    """

    hostname: str
    address: str
    resolv_conf: str
    owned: bool
    trusted: str = ""


def build_etc(target: Path, machine: Path = Path("/")) -> None:
    """Make the /etc that instances start with: the machine's public files, and generated ones."""
    target.mkdir(parents=True)
    for source in _copied(machine / "etc"):
        _copy(source, target / source.relative_to(machine / "etc"))
    for name, text in generated().items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).unlink(missing_ok=True)
        (target / name).write_text(text)
    place, real = allowed.CERTIFICATES
    if not (machine / place.lstrip("/")).exists():
        link = target / Path(place).relative_to("/etc")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(real)


def generated() -> dict[str, str]:
    """Return the files of /etc that are not the machine's, by name."""
    accounts = allowed.ACCOUNTS
    groups = [(name, gid) for name, _, gid, _, _ in accounts] + list(allowed.GROUPS)
    return {
        "passwd": "".join(f"{n}:x:{u}:{g}::{home}:{sh}\n" for n, u, g, home, sh in accounts),
        "group": "".join(f"{name}:x:{gid}:\n" for name, gid in groups),
        "shadow": "".join(f"{name}:*:19000:0:99999:7:::\n" for name, *_ in accounts),
        "nsswitch.conf": allowed.NSSWITCH,
        "sudoers": allowed.SUDOERS,
        "subuid": "",
        "subgid": "",
    }


def _copied(etc: Path) -> Iterator[Path]:
    for pattern in allowed.COPIED:
        yield from sorted(etc.glob(pattern))


def _copy(source: Path, target: Path) -> None:
    """Copy what everybody may read; links stay links."""
    seen = source.lstat()
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(seen.st_mode):
        target.symlink_to(source.readlink())
    elif stat.S_ISDIR(seen.st_mode) and seen.st_mode & 0o005 == 0o005:
        target.mkdir(exist_ok=True)
        for entry in sorted(source.iterdir()):
            _copy(entry, target / entry.name)
    elif (
        stat.S_ISREG(seen.st_mode)
        and seen.st_mode & 0o004
        and seen.st_size <= allowed.COPIED_BYTES_MAX
    ):
        shutil.copyfile(source, target)


@dataclass(frozen=True)
class Entry:
    """A folder, a link or a file of a tree, parents before children."""

    path: str
    mode: int
    link: str = ""
    data: bytes = b""


def read_tree(tree: Path) -> tuple[Entry, ...]:
    """Return a tree of small files as it can be written again: faster than copying it."""
    return tuple(_entry(path, tree) for path in sorted(tree.rglob("*")))


def _entry(path: Path, tree: Path) -> Entry:
    name, mode = str(path.relative_to(tree)), path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return Entry(name, mode, link=str(path.readlink()))
    return Entry(name, mode, data=path.read_bytes() if stat.S_ISREG(mode) else b"")


def write_tree(target: Path, entries: Iterable[Entry]) -> None:
    """Make what the entries say in a new directory."""
    target.mkdir()
    target.chmod(FOLDER)
    for entry in entries:
        path = f"{target}/{entry.path}"
        if stat.S_ISLNK(entry.mode):
            os.symlink(entry.link, path)
        elif stat.S_ISDIR(entry.mode):
            os.mkdir(path)
            os.chmod(path, FOLDER)
        else:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, entry.mode)
            os.write(file, entry.data)
            os.fchmod(file, PRIVATE if entry.path in allowed.PRIVATE else PUBLIC)
            os.close(file)


def build_root(target: Path, etc: Iterable[Entry], identity: Identity) -> None:
    """Make an instance's tree in a new directory."""
    target.mkdir(mode=0o755)
    target.chmod(0o755)
    write_tree(target / "etc", etc)
    for path, mode, owner in allowed.DIRECTORIES:
        folder = f"{target}{path}"
        if path != "/etc":
            os.mkdir(folder)
        if identity.owned and owner:
            os.chown(folder, owner, owner)
        os.chmod(folder, mode)
    for path, goal in allowed.LINKS:
        os.symlink(goal, f"{target}{path}")
    for name, text in _named(identity).items():
        (target / "etc" / name).write_text(text)
        (target / "etc" / name).chmod(PUBLIC)


def _named(identity: Identity) -> dict[str, str]:
    trusted = f"[Boto]\nca_certificates_file = {identity.trusted}\n" if identity.trusted else ""
    return {
        "hostname": identity.hostname + "\n",
        "hosts": f"{HOSTS}{identity.address} {identity.hostname}\n",
        "resolv.conf": identity.resolv_conf,
        # boto 2 brings certificates of its own, unless it reads here of others.
        **({"boto.cfg": trusted} if trusted else {}),
    }


def make_folders(root: Path, paths: tuple[str, ...]) -> None:
    """Make sure that each path is a real folder inside of `root`, whatever was put there instead.

    Nobody may be running in it. What stands in the way is renamed.
    """
    for path in paths:
        at = os.open(root, FOLDER_FLAGS)
        try:
            for part in Path(path.lstrip("/")).parts:
                inner = _folder(at, part)
                os.close(at)
                at = inner
        finally:
            os.close(at)


def _folder(at: int, name: str) -> int:
    """Return a descriptor of the folder `name` in the folder `at`."""
    try:
        return os.open(name, FOLDER_FLAGS, dir_fd=at)
    except FileNotFoundError:
        pass
    except OSError:  # a link, or no folder
        os.rename(name, f"{name}.not-a-folder-{os.urandom(4).hex()}", src_dir_fd=at, dst_dir_fd=at)
    os.mkdir(name, dir_fd=at)
    made = os.open(name, FOLDER_FLAGS, dir_fd=at)
    os.fchmod(made, FOLDER)
    return made


def remove(tree: Path) -> None:
    """Remove a tree, also where its owner has taken rights on it away. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        try:
            shutil.rmtree(tree)
        except PermissionError:
            _open_up(tree)
            shutil.rmtree(tree)


def _open_up(tree: Path) -> None:
    """Give the rights on every folder back, parents first: a user may remove only in those."""
    tree.chmod(0o700)
    for parent, folders, _ in os.walk(tree):
        for folder in (Path(parent) / name for name in folders):
            if not folder.is_symlink():
                folder.chmod(0o700)
