"""The data directory: who this installation is, its keys, and who serves it at the moment.

Identity and keys are made once, before the first answer, and never change; everything secret is
readable by its owner only.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from jackbean.core.errors import JackbeanError
from jackbean.core.installation import REGION
from jackbean.storage.durable import sync_directory

SECRET_BYTES = 32
# By which address a server is reached that listens on any.
REACHED_BY = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}  # noqa: S104 - compared
KEY_ALPHABET = string.ascii_letters + string.digits


class HomeError(JackbeanError):
    """The data directory cannot be used as it is."""


@dataclass(frozen=True)
class Identity:
    """What is made once. `secret` (hexadecimal) derives what instances prove themselves with."""

    region: str
    account: str
    access_key: str
    secret_key: str
    secret: str


@dataclass(frozen=True)
class Serving:
    """Who serves: the process (`started` tells it from a later one with its pid), and where."""

    pid: int
    started: str
    host: str
    port: int
    http_port: int
    region: str

    @property
    def url(self) -> str:
        """Return the endpoint with an IP address: names do not resolve everywhere."""
        host = REACHED_BY.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def alive(self) -> bool:
        return started(self.pid) == self.started


Record = TypeVar("Record", Identity, Serving)


class Home:
    """One data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._identity = directory / "installation.json"
        self._serving = directory / "serving.json"

    def make(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.directory.stat().st_uid == os.getuid():
            self.directory.chmod(0o700)

    def identity(self, region: str) -> Identity:
        """Return who this is, made now if it is new. Raises HomeError for another region.

        Of several who make it at once one succeeds, and the others take what that one made.
        """
        self.make()
        known = self.known()
        if known is None:
            _check_region(region)
            write_secret(self._identity, json.dumps(asdict(_fresh(region))), once=True)
            known = self.known()
        if known is None:
            raise HomeError(f"{self._identity} has gone while it was made; try again.")
        if known.region != region:
            raise HomeError(
                f"{self.directory} belongs to region {known.region}, not {region}; everything in "
                "it is named after that. Serve it with --region "
                f"{known.region}, or use another --data-dir."
            )
        return known

    def known(self) -> Identity | None:
        return _read(Identity, self._identity)

    def serving(self) -> Serving | None:
        return _read(Serving, self._serving)

    def announce(self, serving: Serving) -> None:
        write_secret(self._serving, json.dumps(asdict(serving)))


def started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; "" if there is none (or a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def write_secret(path: Path, text: str, *, once: bool = False) -> None:
    """Write a file that only its owner reads, whole or not at all; `once`: unless it is there."""
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _name(new, path, once=once)
    finally:
        new.unlink(missing_ok=True)
    sync_directory(path.parent)


def _name(new: Path, path: Path, *, once: bool) -> None:
    if not once:
        new.replace(path)
        return
    with suppress(FileExistsError):
        path.hardlink_to(new)


def _read(kind: type[Record], path: Path) -> Record | None:
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HomeError(f"{path} cannot be read: {error}") from error
    try:
        return kind(**data)
    except TypeError as error:
        raise HomeError(f"{path} is not what this program writes: {error}") from error


def _check_region(region: str) -> None:
    if not REGION.fullmatch(region):
        raise HomeError(
            f"'{region[:40]}' cannot be a region: small letters, digits and hyphens, as in "
            "us-east-1. Choose another --region."
        )


def _fresh(region: str) -> Identity:
    return Identity(
        region=region,
        account=str(secrets.randbelow(9 * 10**11) + 10**11),
        access_key="JBAK" + "".join(secrets.choice(KEY_ALPHABET[26:]) for _ in range(16)),
        secret_key="".join(secrets.choice(KEY_ALPHABET) for _ in range(40)),
        secret=secrets.token_hex(SECRET_BYTES),
    )
