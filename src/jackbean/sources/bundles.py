"""What the control plane reads of a source bundle: `.ebextensions`, `env.yaml`, and `cron.yaml`.

A bundle is hostile. It is read with bounds on everything, never unpacked here, and one that is no
ZIP at all is passed over: the instance that unpacks it says so, and the event reaches people.
"""

from __future__ import annotations

import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path as FilePath

from jackbean.core.errors import invalid
from jackbean.core.extensions import Declared
from jackbean.core.links import Declaration
from jackbean.core.options.settings import Settings
from jackbean.core.tasks import Task
from jackbean.sources import cron, links
from jackbean.sources.declaring import declared
from jackbean.sources.extensions import ConfigFile, Option, read_config
from jackbean.sources.tree import Path

FOLDER = ".ebextensions/"
SUFFIX = ".config"
FILES_MAX = 200
BYTES_MAX = 1 << 20  # of all config files together: reading YAML takes ten seconds for that much
SETTINGS_MAX = 5_000  # of all config files together
DIRECTORY_BYTES_MAX = 8 << 20  # of the ZIP: room for 50,000 files, all of which are read at once
NAME_SHOWN_MAX = 120
AT_ROOT = {cron.FILE: cron.BYTES_MAX, links.FILE: links.BYTES_MAX}

# Whatever reading something that is no ZIP, or a damaged one, can raise.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Extensions:
    """What all config files say, the later file winning, and what to warn about.

    `places` is where settings are, by namespace and name; `lines` where all else is, by file.
    `cron` is the whole `cron.yaml`, which is read where it counts, on the worker tier: see `tasks`;
    `env` is the whole `env.yaml`: see `declaration`.
    """

    settings: Settings = Settings()  # noqa: RUF009 - immutable
    places: Mapping[Option, str] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)
    lines: Mapping[str, Mapping[Path, int]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cron: bytes | None = None
    env: bytes | None = None

    def tasks(self) -> tuple[Task, ...]:
        """Return the periodic tasks. Raises a Fault that names all faults."""
        return () if self.cron is None else cron.read_cron(self.cron)

    def declaration(self) -> Declaration:
        """Return what the environment is to be. Raises a Fault that names all faults."""
        return Declaration() if self.env is None else links.read_declaration(self.env)


class _DirectoryTooLargeError(Exception):
    """More would have to be read at once than a directory can have."""


class _Measured(io.FileIO):
    """A file of which nobody reads too much at once: a directory is read whole, however large."""

    def read(self, size: int | None = -1) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > DIRECTORY_BYTES_MAX:
            raise _DirectoryTooLargeError
        return super().read(wanted) or b""


def read_extensions(path: FilePath) -> Extensions:
    """Return what the bundle at `path` sets. Raises a Fault that names every bad file and line."""
    return extensions_of(config_files(path))


def config_files(path: FilePath) -> dict[str, bytes]:
    """Return what is read of the bundle at `path`: its config files, and those at its root.

    None where it is no bundle.
    """
    try:
        with _Measured(path) as file, zipfile.ZipFile(file) as bundle:
            return dict(chain(_texts(bundle), _at_root(bundle)))
    except _DirectoryTooLargeError:
        most = DIRECTORY_BYTES_MAX >> 20
        raise invalid(
            f"The directory of the source bundle is larger than {most} MB: it has too many files."
        ) from None
    except UNREADABLE:
        return {}


def extensions_of(texts: Mapping[str, bytes]) -> Extensions:
    """Return what config files set, by name. Raises a Fault that names every bad file and line."""
    names = sorted(name for name in texts if name not in AT_ROOT)
    files = [read_config(_shown(name), texts[name]) for name in names]
    faults = [fault for file in files for fault in file.faults]
    if faults:
        raise invalid("\n".join(faults))
    return replace(_merged(files), cron=texts.get(cron.FILE), env=texts.get(links.FILE))


def _merged(files: Sequence[ConfigFile]) -> Extensions:
    count = sum(len(file.settings) for file in files)
    if count > SETTINGS_MAX:
        raise invalid(f"{FOLDER} has {count} option settings; at most {SETTINGS_MAX} are read.")
    settings = Settings(chain.from_iterable(file.settings for file in files))
    places = {o: f"{f.name}: line {n}" for f in files for o, n in f.places.items()}
    warnings = tuple(warning for file in files for warning in file.warnings)
    lines = {f.name: f.lines for f in files}
    return Extensions(settings, places, declared(files), lines, warnings)


def _texts(bundle: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each config file directly in the folder."""
    wanted = [e for e in bundle.infolist() if _config(e.filename)]
    if len(wanted) > FILES_MAX:
        raise invalid(f"{FOLDER} holds {len(wanted)} config files; at most {FILES_MAX} are read.")
    left = BYTES_MAX
    for entry in wanted:
        with bundle.open(entry) as file:
            text = file.read(left + 1)
        left -= len(text)
        if left < 0:
            raise invalid(f"The config files in {FOLDER} have more than {BYTES_MAX} bytes.")
        yield _name(entry.filename), text


def _at_root(bundle: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield `cron.yaml` and `env.yaml`: the last one of each, as it is in an unpacked bundle."""
    found = {name: e for e in bundle.infolist() if (name := _name(e.filename)) in AT_ROOT}
    for name, entry in found.items():
        with bundle.open(entry) as file:
            yield name, file.read(AT_ROOT[name] + 1)


def _name(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def _shown(name: str) -> str:
    """Return a file's name as it can be told: whoever packed a bundle chose it."""
    printable = "".join(c if c.isprintable() else "?" for c in name[: NAME_SHOWN_MAX + 1])
    return printable if len(name) <= NAME_SHOWN_MAX else printable[:NAME_SHOWN_MAX] + "..."


def _config(name: str) -> bool:
    folder, _, file = _name(name).rpartition("/")
    return folder + "/" == FOLDER and file.endswith(SUFFIX)
