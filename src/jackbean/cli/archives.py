"""Logs over the wire: fetched and unpacked within bounds, for strangers write much of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from urllib.error import URLError
from urllib.request import urlopen

from jackbean.cli.failures import Failure, Unreachable

FETCH_BYTES_MAX = 512 << 20
UNPACKED_BYTES_MAX = 4 << 30
TEXT_BYTES_MAX = 64 << 20
FILES_MAX = 20_000
PATIENCE_S = 60.0


def fetch(url: str) -> bytes:
    """Return what a URL of the server answers. Raises Failure for too much or for nothing."""
    if not url.startswith(("http://", "https://")):
        raise Failure(f"The server answered {url[:80]!r}, where a URL of logs belongs.")
    try:
        with urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - checked above
            data = bytes(answer.read(FETCH_BYTES_MAX + 1))
    except (URLError, OSError) as error:
        raise Unreachable(
            f"Logs cannot be fetched from {url.partition('?')[0]}: {error}"
        ) from error
    if len(data) > FETCH_BYTES_MAX:
        raise Failure(f"The logs are larger than {FETCH_BYTES_MAX >> 20} MiB. Ask for the tail.")
    return data


def unpack(data: bytes, folder: Path) -> None:
    """Write the files of a ZIP below `folder`, and nowhere else. Links are not made."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > FILES_MAX or sum(m.file_size for m in members) > UNPACKED_BYTES_MAX:
                raise Failure("The logs are too large to unpack. Fetch them with --zip.")
            for member in members:
                _write(archive, member, folder / inside(member.filename))
    except zipfile.BadZipFile as error:
        raise Failure(f"The logs are not a ZIP: {error}") from error


def texts_of(data: bytes) -> dict[str, str]:
    """Return the texts of the files in a ZIP by their names. Raises Failure."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > FILES_MAX or sum(m.file_size for m in members) > TEXT_BYTES_MAX:
                raise Failure("The logs are too large to show. Fetch them with --all.")
            return {m.filename: archive.read(m).decode(errors="replace") for m in members}
    except zipfile.BadZipFile as error:
        raise Failure(f"The logs are not a ZIP: {error}") from error


def inside(name: str) -> PurePosixPath:
    """Return a member's name as a path below the folder. Raises Failure if it leads out."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise Failure(f"The logs have a file named {name!r}, which leads out of their folder.")
    return path


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        copyfileobj(source, file)
