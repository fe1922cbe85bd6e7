"""What the engine writes down of each instance, and the addresses that it has given out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.engines.process import addresses
from jackbean.engines.process.addresses import Subnet
from jackbean.engines.process.paths import InstancePaths, Layout
from jackbean.ports.engine import Address, LaunchSpec

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
PROXY_PORTS = range(8080, 8180)  # above those that only root may use
NEW, GONE = ".new-", ".gone-"


@dataclass(frozen=True)
class Record:
    """One instance: never changed once written. `app_port` 0 is the platform's default."""

    spec: LaunchSpec
    mode: str
    slot: int
    host: str
    port: int
    app_port: int = 0

    @property
    def address(self) -> Address:
        return Address(self.host, self.port)

    @property
    def hostname(self) -> str:
        return "ip-" + self.host.replace(".", "-")


def paths_of(layout: Layout, instance: str) -> InstancePaths:
    """Return where an instance's files are. Raises ValueError for what is no name."""
    if not NAME.fullmatch(instance):
        raise ValueError(f"{instance!r} is no name of an instance")
    return InstancePaths(layout.instances / instance)


def load(paths: InstancePaths) -> Record | None:
    """Return an instance's record; None where there is no such instance."""
    try:
        data = json.loads(paths.record.read_bytes())
        return Record(**{**data, "spec": LaunchSpec(**data["spec"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise PortError(f"{paths.record} cannot be read: {error}") from error


def save(path: Path, record: Record) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(record)))


def everyone(layout: Layout) -> Iterator[tuple[str, InstancePaths]]:
    """Yield the name and place of each instance."""
    try:
        entries = sorted(layout.instances.iterdir())
    except FileNotFoundError:
        return
    for entry in entries:
        if NAME.fullmatch(entry.name):
            yield entry.name, InstancePaths(entry)


def leftovers(layout: Layout) -> list[Path]:
    """Return what was half made or half removed."""
    return [*layout.instances.glob(NEW + "*"), *layout.instances.glob(GONE + "*")]


def block(layout: Layout, *, private: bool) -> Subnet:
    """Return the installation's block of addresses, chosen at its first start and then kept."""
    file = layout.state / ("private-block" if private else "loopback-block")
    try:
        return Subnet(IPv4Network(file.read_text().strip()))
    except FileNotFoundError:
        pass
    except ValueError as error:
        raise PortError(f"{file} does not hold a network: {error}") from error
    tag = layout.tag
    blocks = addresses.loopback_blocks(tag)
    chosen = addresses.free_private_block(tag) if private else next(blocks)
    _keep(file, f"{chosen.network}\n")
    return chosen


def _keep(file: Path, text: str) -> None:
    """Replace a file whole."""
    new = file.with_name(file.name + ".new")
    new.write_text(text)
    new.replace(file)


def allocate(
    layout: Layout, subnet: Subnet, spec: LaunchSpec, taken: Mapping[str, Record], mode: str
) -> Record:
    """Return the record of a new instance, with an address of its own.

    Outside of root mode the machine's network is shared: the ports are such that nobody listens
    there now. Raises PortError when there are no addresses left.
    """
    slots = {record.slot for record in taken.values()}
    ports = {record.app_port for record in taken.values()}
    try:
        while True:
            slot = addresses.next_slot(slots, _last(layout))
            _keep(layout.state / "last-slot", str(slot))
            host = str(subnet.address(slot))
            if mode == "root":
                return Record(spec, mode, slot, host, addresses.WEB_PORT)
            port = next((p for p in PROXY_PORTS if addresses.bindable(host, p)), 0)
            if port:
                return Record(spec, mode, slot, host, port, _app_port(layout.tag, ports))
            slots.add(slot)
    except LookupError as error:
        raise PortError(str(error)) from error


def _app_port(tag: str, taken: set[int]) -> int:
    for port in addresses.app_ports(tag):
        if port not in taken and addresses.bindable("0.0.0.0", port):  # noqa: S104 - tried, not kept
            return port
    raise LookupError("no port is free for another application")


def _last(layout: Layout) -> int:
    try:
        return int((layout.state / "last-slot").read_text())
    except (FileNotFoundError, ValueError):
        return addresses.FIRST_SLOT - 1
