"""Where the engine keeps things, and the tag that tells installations on one machine apart."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from jackbean.core.errors import PortError

SOCKET_BYTES_MAX = 100  # Linux takes 107, and whoever makes one may add a suffix
SOCKET = Path("agent") / "agent.sock"


def tag(data_dir: Path) -> str:
    """Return six hexadecimal digits that stand for an installation in names and addresses."""
    return hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:6]


def run_dir(data_dir: Path) -> Path:
    """Return the directory for sockets and what is rebuilt at every start; make it if need be.

    It is DATA/run. Where that is too long for a unix socket, DATA/run is a link to a short place
    that only this user may enter.
    """
    link = data_dir.resolve() / "run"
    if len(os.fsencode(link / SOCKET)) <= SOCKET_BYTES_MAX:
        return _private(link)
    if not link.is_symlink():
        link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        link.symlink_to(_short(data_dir))
    return _private(link.readlink())


def remove_run_dir(data_dir: Path) -> None:
    """Take the directory away, once nobody that uses it runs any more."""
    link = data_dir.resolve() / "run"
    place = link.readlink() if link.is_symlink() else link
    if place.is_dir():
        shutil.rmtree(_private(place))
    if link.is_symlink():
        link.unlink()


def _short(data_dir: Path) -> Path:
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    if own and Path(own).is_dir() and len(os.fsencode(own)) < SOCKET_BYTES_MAX // 2:
        return Path(own) / f"jackbean-{tag(data_dir)}"
    return Path(f"/tmp/jackbean-{os.getuid()}-{tag(data_dir)}")  # noqa: S108 - checked by _private


def _private(directory: Path) -> Path:
    """Make a directory that only we may enter, or make sure that it is one."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = directory.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid():
        raise PortError(f"{directory} belongs to somebody else; remove it")
    if seen.st_mode & 0o077:
        directory.chmod(0o700)
    return directory


@dataclass(frozen=True)
class Layout:
    """The engine's places under the data directory."""

    data: Path

    @property
    def tag(self) -> str:
        return tag(self.data)

    @property
    def instances(self) -> Path:
        return self.data / "instances"

    @property
    def departed(self) -> Path:
        """The last logs of instances that are gone, by environment."""
        return self.data / "departed"

    @property
    def state(self) -> Path:
        """What the engine must remember: the block of addresses, the last one given out."""
        return self.data / "engine"

    @property
    def dependencies(self) -> Path:
        return self.data / "cache" / "dependencies"

    @property
    def signposts(self) -> Path:
        """What leads SDKs here where AWS's names do not."""
        return self.state / "signposts"

    @property
    def runtimes(self) -> Path:
        """Languages that were fetched, one folder each."""
        return self.data / "runtimes"

    @property
    def downloads(self) -> Path:
        """Packages fetched for dependency builds."""
        return self.data / "cache" / "uv"

    @property
    def run(self) -> Path:
        return run_dir(self.data)

    @property
    def agent_dir(self) -> Path:
        """The directory of the agents' socket: what instances see of the control plane."""
        directory = self.run / SOCKET.parent
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory

    def make(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shown = (self.dependencies, self.runtimes)
        for directory in (self.instances, self.state, self.downloads, *shown):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in shown:
            directory.chmod(0o755)  # instances' users pass through it


@dataclass(frozen=True)
class InstancePaths:
    """One instance's files. Only `root` is the instance's own."""

    directory: Path

    @property
    def record(self) -> Path:
        return self.directory / "instance.json"

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def config(self) -> Path:
        """The AgentConfig: holds the instance's token."""
        return self.directory / "agent.json"

    @property
    def agent(self) -> Path:
        return self.directory / "agent.pyz"

    @property
    def shim(self) -> Path:
        return self.directory / "shim"
