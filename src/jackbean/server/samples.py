"""The sample application of each platform, as the bundle that a version would be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from importlib import resources
from importlib.resources.abc import Traversable

from jackbean.ports.objects import Blobs

EPOCH = (1980, 1, 1, 0, 0, 0)
FOLDERS = {
    "Python": "python",
    "Node.js": "nodejs",
    "Go": "go",
    "Java": "java",
    "Tomcat": "tomcat",
    "PHP": "php",
    "Ruby": "ruby",
    ".NET Core on Linux": "dotnet",
}


def sample_bundle(folder: str) -> bytes:
    """Return the ZIP of a folder of samples: the same bytes for the same files."""
    root = resources.files("jackbean") / "samples" / folder
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in _files(root, ""):
            bundle.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return buffer.getvalue()


def _files(folder: Traversable, before: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every file, in an order that does not change."""
    for entry in sorted(folder.iterdir(), key=lambda f: f.name):
        if entry.is_file():
            yield before + entry.name, entry.read_bytes()
        elif entry.name != "__pycache__":
            yield from _files(entry, f"{before}{entry.name}/")


async def keep_samples(blobs: Blobs) -> dict[str, str]:
    """Keep every sample bundle, and return its digest by the platform's name."""
    kept = {}
    for name, folder in FOLDERS.items():
        blob = await blobs.put(_chunks(sample_bundle(folder)))
        kept[name] = blob.digest
    return kept


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
