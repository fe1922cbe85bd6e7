"""An instance's directory, from its creation to its end.

A new one is made under another name and renamed, an ended one renamed and removed: what has its
own name is whole.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from jackbean.core.protocol import to_json
from jackbean.engines.process import filesystem, launch, records, strays
from jackbean.engines.process.filesystem import Identity
from jackbean.engines.process.image import link_top
from jackbean.engines.process.paths import InstancePaths
from jackbean.engines.process.prepare import Site
from jackbean.engines.process.records import Record
from jackbean.engines.process.supervise import write_secret


def create(paths: InstancePaths, record: Record, site: Site) -> None:
    """Make the directory of a new instance."""
    new = InstancePaths(paths.directory.with_name(records.NEW + paths.directory.name))
    discard(new.directory)
    new.directory.mkdir(mode=0o700)
    identity = Identity(
        record.hostname,
        record.host,
        site.resolv_conf,
        owned=site.ground.mode == "root",
        trusted=launch.CERTIFICATES if site.ground.certificates else "",
    )
    if site.etc:
        filesystem.build_root(new.root, site.etc, identity)
        link_top(new.root, site.ground.machine)
    else:
        new.root.mkdir(mode=0o700)
        (new.root / "root").mkdir(mode=0o700)
    records.save(new.record, record)
    new.directory.rename(paths.directory)


def refresh(paths: InstancePaths, record: Record, site: Site) -> None:
    """Before each start: the agent of this control plane, its settings, and nobody left behind."""
    if site.etc:
        filesystem.make_folders(paths.root, site.ground.machine.mounted)
    else:
        strays.kill(launch.MARK, str(paths.directory))
    new = paths.agent.with_name("agent.new")
    shutil.copyfile(site.agent, new)
    new.replace(paths.agent)
    config = launch.agent_config(record, paths, site.ground)
    write_secret(paths.config, json.dumps(to_json(config)).encode())


def destroy(paths: InstancePaths, record: Record) -> None:
    """Remove the directory, and who may still run in it without a sandbox."""
    if record.mode == "plain":
        strays.kill(launch.MARK, str(paths.directory))
    gone = paths.directory.with_name(records.GONE + paths.directory.name)
    discard(gone)
    paths.directory.rename(gone)
    discard(gone)


def discard(directory: Path) -> None:
    filesystem.remove(directory)
