"""What an installation is and does: asked of its server, or read from its files if that is dead.

The document has the members of `DescribeInstallation`, and what only this machine knows: where the
data is, which process serves it, and which instances run whether or not anybody serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jackbean import __version__
from jackbean.cli.cloud import Cloud
from jackbean.cli.failures import Failure
from jackbean.cli.lines import Line
from jackbean.cli.whereabouts import Whereabouts
from jackbean.server.home import Home, HomeError, Identity, Serving

PATIENCE_S = 5
NOT_SERVED = 3  # the exit code where nobody serves, as that of `systemctl status`
COLOURS = {"Green": "green", "Yellow": "yellow", "Red": "red"}

Document = dict[str, Any]


def look(data_dir: Path) -> Document:
    """Return everything that can be found out. Raises HomeError where there is no installation."""
    home = Home(data_dir)
    identity, serving = home.known(), home.serving()
    if identity is None:
        raise HomeError(
            f"{data_dir} is not a data directory of Jackbean. `jackbean serve` makes one; "
            "--data-dir names another."
        )
    alive = serving is not None and serving.alive
    said = _asked(serving, identity) if serving and alive else None
    server = {
        "Running": alive,
        "Answers": said is not None,
        "Pid": serving.pid if serving and alive else None,
        "Url": serving.url if serving else None,
    }
    running, stopped = _instances(data_dir)
    return {
        "DataDir": str(data_dir),
        "Server": server,
        "InstancesRunning": running,
        "InstancesStopped": stopped,
        **(said if said is not None else _read(data_dir, identity, serving)),
    }


def lines(document: Mapping[str, Any]) -> Iterator[Line]:
    """Say it for people."""
    server = document["Server"]
    yield f"Jackbean {document['Version']}, {document['DataDir']}", "bold"
    if server["Answers"]:
        yield f"  Server         {server['Url']} (process {server['Pid']})", "green"
    elif server["Running"]:
        yield f"  Server         process {server['Pid']} runs, and does not answer", "red"
    else:
        yield "  Server         not running; start it: jackbean serve", "red"
    yield f"  Region         {document['Region']}, account {document['Account']}"
    if document.get("HttpPort"):
        yield f"  Load balancers port {document['HttpPort']}"
    yield f"  Instances      {_count(document)}"
    yield from _engine(document)
    for trouble in document.get("Troubles", ()):
        yield f"  Trouble        {trouble}", "red"
    yield from _environments(document)


def _count(document: Mapping[str, Any]) -> str:
    running, stopped = document["InstancesRunning"], document["InstancesStopped"]
    return f"{len(running)} running" + (f", {len(stopped)} stopped" if stopped else "")


def _engine(document: Mapping[str, Any]) -> Iterator[Line]:
    yield f"  Engine         {document['Engine']}, mode {document['Mode']}"
    for lack in document["Lacks"]:
        yield f"    lacks        {lack}"
    for mode, reason in document["OtherModes"].items():
        yield f"    not {mode:<8} {reason}"
    shown = ", ".join(name.partition(" running on ")[0] for name in document["Platforms"])
    yield f"  Platforms      {shown or 'none that can run here'}"


def _environments(document: Mapping[str, Any]) -> Iterator[Line]:
    found = document["Environments"]
    if not found:
        yield "  Environments   none; make one: jb create --sample"
        return
    yield "  Environments" + ("" if document["Server"]["Answers"] else "   as they were last seen")
    for e in found:
        count = f"{e['Instances']} instance{'' if e['Instances'] == 1 else 's'}"
        words = filter(None, (e["Name"], e["Status"], e["Health"], count, e["Url"]))
        yield "    " + "  ".join(words), COLOURS.get(e["Health"], "")


def _asked(serving: Serving, identity: Identity) -> Document | None:
    """Return what the server says; None where it does not answer."""
    keys = (identity.access_key, identity.secret_key)
    where = Whereabouts(serving.url, identity.region, keys=keys)
    from botocore.exceptions import HTTPClientError

    try:
        return Cloud(where, patience_s=PATIENCE_S).extension("DescribeInstallation")
    except (HTTPClientError, Failure):
        return None


def _read(data_dir: Path, identity: Identity, serving: Serving | None) -> Document:
    """Return the same from files: the engine as it would be, environments as last saved."""
    from jackbean.core.installation import Installation
    from jackbean.engines.process.engine import ProcessEngine
    from jackbean.storage.glimpse import living_environments

    port = serving.http_port if serving else 0
    installation = Installation(identity.region, identity.account, http_port=port or 80)
    engine = ProcessEngine(data_dir).describe()
    return {
        "Version": __version__,
        "Region": identity.region,
        "Account": identity.account,
        "HttpPort": port,
        "Engine": engine.name,
        "Mode": engine.mode,
        "Lacks": list(engine.lacks),
        "OtherModes": dict(engine.others),
        "Platforms": sorted(engine.platforms),
        "Environments": [
            {
                "Name": e.name,
                "Application": e.application,
                "Status": e.status.value,
                "Health": e.verdict.color,
                "Instances": sum(m.counted for m in e.members),
                "Url": "" if e.worker else f"http://{installation.cname(e.cname_prefix)}",
            }
            for e in living_environments(data_dir / "jackbean.db")
        ],
    }


def _instances(data_dir: Path) -> tuple[list[str], list[str]]:
    """Return the names of the instances that run and of those that have a disk only."""
    from jackbean.engines.process.supervise import Running, Shim

    folder = data_dir / "instances"
    names = sorted(child.name for child in folder.iterdir()) if folder.is_dir() else []
    running = [n for n in names if isinstance(Shim(folder / n / "shim").look(), Running)]
    return running, [n for n in names if n not in running]
