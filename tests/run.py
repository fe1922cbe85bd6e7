"""`./dev test`: the test suite. Arguments pass through to pytest; `--all` adds the long runs.

The order is from the fastest to the slowest, so that a mistake is told early.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(arguments: list[str]) -> int:
    everything = "--all" in arguments
    rest = [a for a in arguments if a != "--all"]
    if rest and not rest[0].startswith("-"):
        return _pytest(rest)
    quick = _pytest(["-m", "not e2e and not eb and not slow", *rest])
    whole = ["-m", "e2e or eb or slow" if everything else "e2e and not slow and not eb", *rest]
    return _pytest(whole) or quick


def _pytest(arguments: list[str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
