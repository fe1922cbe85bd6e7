"""`jackbean serve` to its first answer, beside an interpreter that imports a web server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.figures import Figure, Series, timed
from tests.e2e.installation import installed

ROUNDS = 7
TARGET_S = 2.0
BARE = [sys.executable, "-c", "import asyncio, uvicorn, starlette.applications"]


def measure() -> Iterator[Figure]:
    bare, fresh, again = [], [], []
    for _ in range(ROUNDS):
        bare.append(timed(lambda: subprocess.run(BARE, check=True)))
        with installed() as one:
            fresh.append(one.first_answer_s)
            one.kill()
            again.append(one.start())
    beside = Series("python that imports uvicorn and starlette", bare)
    yield Series("serve to first answer, fresh data directory", fresh).figure(
        "start", TARGET_S, beside
    )
    yield Series("serve to first answer, killed before", again).figure("start", TARGET_S, beside)
    yield beside.figure("start")
