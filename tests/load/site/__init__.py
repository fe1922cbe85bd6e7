"""The source bundle of the site that visitors visit, well or bad in some way."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).with_name("application.py")

DIES = '\nraise RuntimeError("this release dies at its start")\n'
UNWELL = """

def application(environ, start_response):
    start_response("503 Not Well", [("Content-Length", "0")])
    return []
"""
ERRS = """

import random
well = application

def application(environ, start_response):
    if random.random() < 0.05:
        start_response("500 Unlucky", [("Content-Length", "0")])
        return []
    return well(environ, start_response)
"""
FAILS = """

well = application

def application(environ, start_response):
    if environ["PATH_INFO"] == "/health":
        return well(environ, start_response)
    start_response("500 Broken", [("Content-Length", "0")])
    return []
"""


def site(version: str, bad: str = "") -> dict[str, str | bytes]:
    """Return the files of a bundle whose answers begin with `version`; `bad` is what ails it."""
    text = SOURCE.read_text().replace('VERSION = "unversioned"', f'VERSION = "{version}"')
    assert f'VERSION = "{version}"' in text
    return {"application.py": text + bad}
