"""The sample application of each platform, as the bundle that a version would be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from importlib import resources

from jackbean.ports.objects import Blobs

EPOCH = (1980, 1, 1, 0, 0, 0)
FOLDERS = {"Python": "python"}


def sample_bundle(folder: str) -> bytes:
    """Return the ZIP of a folder of samples: the same bytes for the same files."""
    root = resources.files("jackbean") / "samples" / folder
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in sorted(root.iterdir(), key=lambda f: f.name):
            if file.is_file():
                bundle.writestr(zipfile.ZipInfo(file.name, EPOCH), file.read_bytes())
    return buffer.getvalue()


async def keep_samples(blobs: Blobs) -> dict[str, str]:
    """Keep every sample bundle, and return its digest by the platform's name."""
    kept = {}
    for name, folder in FOLDERS.items():
        blob = await blobs.put(_chunks(sample_bundle(folder)))
        kept[name] = blob.digest
    return kept


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
