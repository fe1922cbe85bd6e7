"""The source bundle: a folder as a ZIP, the same bytes for the same files.

What goes in is what the EB CLI would take:

- where there is an `.ebignore`: the files that it does not leave out (`.gitignore` is not asked);
- else, where git keeps the folder: the last commit, or what is staged;
- else every file.

Never in it: `.git`, `.elasticbeanstalk`, sockets and devices. Times are left out and modes are
reduced to what a program needs, so that the digest tells whether anything has changed.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from jackbean.cli.failures import Failure
from jackbean.cli.git import Repository
from jackbean.cli.ignore import Ignore

BYTES_MAX = 512 << 20
IGNORE_BYTES_MAX = 1 << 20
EPOCH = (1980, 1, 1, 0, 0, 0)
IGNORE_FILE = ".ebignore"
NEVER = (".git", ".elasticbeanstalk")
FILE, PROGRAM, FOLDER, LINK = 0o100644, 0o100755, 0o040755, 0o120777

Opener = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Entry:
    """One record of a ZIP. A folder is in it only where it would be lost otherwise: empty."""

    name: str
    mode: int
    content: Opener | bytes = b""


def write_folder(folder: Path, target: Path) -> None:
    """Bundle a folder as it is, but for what `.ebignore` leaves out."""
    rules = folder / IGNORE_FILE
    leaves_out = Ignore(_text(rules)).leaves_out if rules.is_file() else _clutter
    write(walk(folder, leaves_out), target)


def write_commit(repository: Repository, tree: str, target: Path, *, submodules: bool) -> None:
    """Bundle what git exports of a commit or a tree; of submodules, their last commit."""
    write(_exported(repository, tree, submodules=submodules), target)


def write(entries: Iterable[Entry], target: Path) -> None:
    """Write a ZIP. Raises Failure for one that is empty or larger than is accepted."""
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for entry in entries:
            _add(bundle, entry)
            count += 1
            if bundle.start_dir > BYTES_MAX:
                raise Failure(
                    f"The bundle grows beyond {BYTES_MAX >> 20} MiB, the most there may be (at "
                    f"{entry.name}). List what is not needed in {IGNORE_FILE}."
                )
    if not count:
        raise Failure(
            "There is nothing to bundle here: no file, or everything is ignored. Go to the folder "
            "of an application, or name a version that is there with --version."
        )


def walk(folder: Path, leaves_out: Callable[..., bool], prefix: str = "") -> Iterator[Entry]:
    """Yield what is in a folder, in the order of names; links are taken as links."""
    children = sorted(os.scandir(folder), key=lambda child: child.name)
    for child in children:
        name, is_folder = prefix + child.name, child.is_dir(follow_symlinks=False)
        if child.name in NEVER or leaves_out(name, folder=is_folder):
            continue
        if is_folder:
            yield from _folder(Path(child.path), leaves_out, name)
        elif child.is_symlink():
            yield Entry(name, LINK, os.fsencode(Path(child.path).readlink()))
        elif child.is_file():
            mode = PROGRAM if child.stat().st_mode & stat.S_IXUSR else FILE
            yield Entry(name, mode, _opener(Path(child.path)))


def _folder(folder: Path, leaves_out: Callable[..., bool], name: str) -> Iterator[Entry]:
    empty = True
    for entry in walk(folder, leaves_out, f"{name}/"):
        empty = False
        yield entry
    if empty:
        yield Entry(f"{name}/", FOLDER)


def _opener(path: Path) -> Opener:
    def read() -> IO[bytes]:
        return path.open("rb")

    return read


def _clutter(name: str, *, folder: bool) -> bool:
    """Say what is never meant, where nobody says what is."""
    last = name.rpartition("/")[2]
    return last.endswith("~") or last == ".gitignore"


def _exported(repository: Repository, tree: str, *, submodules: bool) -> Iterator[Entry]:
    yield from _members(repository, tree, "")
    for path in repository.submodules if submodules else ():
        inner = Repository(repository.folder / path)
        yield from _members(inner, "HEAD", f"{path}/")


def _members(repository: Repository, tree: str, prefix: str) -> Iterator[Entry]:
    with repository.tar(tree) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = prefix + member.name
            if any(part in NEVER for part in name.split("/")):
                continue
            if member.issym():
                yield Entry(name, LINK, os.fsencode(member.linkname))
            elif member.isfile():
                mode = PROGRAM if member.mode & stat.S_IXUSR else FILE
                yield Entry(name, mode, _reader(archive, member))


def _reader(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Opener:
    def read() -> IO[bytes]:
        content = archive.extractfile(member)
        if content is None:
            raise AssertionError("a regular file has content")
        return content

    return read


def _add(bundle: zipfile.ZipFile, entry: Entry) -> None:
    record = zipfile.ZipInfo(_checked(entry.name), EPOCH)
    record.create_system = 3  # Unix: that the modes below mean something
    record.external_attr = entry.mode << 16
    record.compress_type = zipfile.ZIP_DEFLATED
    if isinstance(entry.content, bytes):
        bundle.writestr(record, entry.content)
        return
    try:
        with entry.content() as source, bundle.open(record, "w") as target:
            copyfileobj(source, target)
    except PermissionError as error:
        raise Failure(
            f"{entry.name} cannot be read ({error.strerror}). Make it readable, or list it in "
            f"{IGNORE_FILE}."
        ) from error
    except RuntimeError as error:  # beyond 2 GiB
        raise Failure(f"{entry.name} is too large. List it in {IGNORE_FILE}.") from error


def _checked(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Failure(
            f"The name of {name!r} is not UTF-8, so a ZIP cannot carry it. Rename the file, or "
            f"list it in {IGNORE_FILE}."
        ) from None
    return name


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(IGNORE_BYTES_MAX).decode(errors="replace")
