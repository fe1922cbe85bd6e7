"""The source bundle of the site that visitors visit."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).with_name("application.py")


def site(version: str, **files: str) -> dict[str, str | bytes]:
    """Return the files of a bundle whose answers begin with `version`."""
    text = SOURCE.read_text().replace('VERSION = "unversioned"', f'VERSION = "{version}"')
    assert f'VERSION = "{version}"' in text
    return {"application.py": text, **files}
