"""Real engines on throw-away data directories, and a check that they leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from jackbean.core.errors import PortError
from jackbean.engines.process import firewall, links, probe
from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.paths import remove_run_dir, tag
from jackbean.engines.process.prepare import Api
from jackbean.ports.engine import Address, LaunchSpec, MachineSight

STANDIN = Path(__file__).with_name("standin.py")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
BRANCH = "Python 3.11 running on 64bit Amazon Linux 2023"
PATIENCE_S = 20.0


def _possible(mode: str) -> bool:
    try:
        probe.probe(f"{os.getpid():06x}"[-6:], mode)
    except PortError:
        return False
    return True


MODES = [mode for mode in probe.MODES if _possible(mode)]
SANDBOXED = [mode for mode in MODES if mode != "plain"]


def eventually(look: Callable[[], Any], what: str) -> Any:
    """Return the first true answer. Fails after a while."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.005)
    raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}")


def ask(address: Address, deed: str = "", **given: object) -> Any:
    """Have a stand-in do something; return what came of it. Raises RuntimeError with its words."""
    url = f"http://{address.host}:{address.port}/{deed}?{urllib.parse.urlencode(given)}"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        said = json.load(answer)
    if "error" in said:
        raise RuntimeError(said["error"])
    return said["ok"]


def run(address: Address, *argv: str) -> str:
    """Run a program in an instance; return what it wrote. Fails where it fails."""
    status, out, err = ask(address, "run", argv=json.dumps(argv))
    assert status == 0, err
    return str(out)


def answers(address: Address) -> bool:
    try:
        ask(address)
    except (OSError, HTTPException):
        return False
    return True


class Rig:
    """One installation. `images` keeps what is the same for all of them."""

    def __init__(self, data_dir: Path, mode: str, images: Path, **more: Any) -> None:
        self.data_dir = data_dir
        self.mode = mode
        self.images = images
        self.more: Mapping[str, Any] = {"environ": {"SECRET": "of the control plane"}, **more}
        self.runner = asyncio.Runner()
        self._lend_image()
        self.engine = self.another()

    def another(self) -> ProcessEngine:
        """Return what a new control plane has in hand."""
        return ProcessEngine(self.data_dir, self.mode, agent=STANDIN, **self.more)

    def serve(self, api: Api) -> None:
        self.more = {**self.more, "api": api}
        self.engine = self.another()

    def _lend_image(self) -> None:
        for image in self.images.glob("image-*"):
            target = self.data_dir / "engine" / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(image, target, symlinks=True)

    def _keep_image(self) -> None:
        for image in (self.data_dir / "engine").glob("image-*"):
            if not (self.images / image.name).exists():
                shutil.copytree(image, self.images / image.name, symlinks=True)

    @staticmethod
    def spec(number: int = 1, instance_type: str = "t3.micro") -> LaunchSpec:
        name = f"i-{number:017x}"
        return LaunchSpec(name, "e-aaaaaaaaaa", BRANCH, instance_type, f"token of {name}")

    def ensure(self, spec: LaunchSpec) -> None:
        self.runner.run(self.engine.ensure(spec))

    def terminate(self, spec: LaunchSpec) -> None:
        self.runner.run(self.engine.terminate(spec.instance))

    def machines(self) -> Mapping[str, MachineSight]:
        return self.runner.run(self.engine.machines())

    def sight(self, spec: LaunchSpec) -> MachineSight:
        return self.machines()[spec.instance]

    def up(self, spec: LaunchSpec | None = None) -> Address:
        """Start an instance and wait until it answers."""
        spec = spec or self.spec()
        self.ensure(spec)
        address = self.sight(spec).address
        assert address is not None
        eventually(lambda: answers(address) or self._alive(spec), "an answer")
        return address

    def _alive(self, spec: LaunchSpec) -> None:
        sight = self.sight(spec)
        assert sight.machine == "running", f"{sight}\n{self.log(spec)}"

    def shim(self, spec: LaunchSpec) -> dict[str, Any]:
        """Return what the instance's shim has written down."""
        found: dict[str, Any] = json.loads((self.home(spec) / "shim/status.json").read_text())
        return found

    def home(self, spec: LaunchSpec) -> Path:
        return self.data_dir / "instances" / spec.instance

    def log(self, spec: LaunchSpec) -> str:
        return (self.home(spec) / "shim/log").read_text()

    def close(self) -> None:
        """End everything, and check that nothing of it is left."""
        try:
            for name in self.machines():
                self.runner.run(self.engine.terminate(name))
            self.runner.run(self.engine.stop_all())
        finally:
            self.runner.close()
        self._keep_image()
        remove_run_dir(self.data_dir)
        left = leftovers(self.data_dir)
        assert not left, left


def leftovers(data_dir: Path, instance: str = "") -> list[str]:
    """Return all that an installation, or one instance of it, has left on the machine."""
    name = tag(data_dir)
    kept = (data_dir / "instances").glob("*")
    found = [str(path) for path in kept if instance in path.name]
    found += [link for link in links.names() if link.startswith(f"jb{name}") and not instance]
    if firewall.exists(f"jackbean-{name}") and not instance:
        found.append(f"nf_tables table jackbean-{name}")
    groups = (Path(folder) for folder, *_ in os.walk("/sys/fs/cgroup"))  # others come and go
    found += [str(path) for path in groups if path.match(f"jackbean-{name}/{instance}".rstrip("/"))]
    needle = str(data_dir / "instances" / instance) if instance else str(data_dir)
    return found + [f"process {pid}" for pid in processes(needle)]


def processes(needle: str) -> list[int]:
    """Return who has a text in its command line, its environment or its mounts."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        for name in ("cmdline", "environ", "mountinfo"):
            try:
                if needle.encode() in (folder / name).read_bytes():
                    found.append(int(folder.name))
                    break
            except OSError:
                continue
    return found
