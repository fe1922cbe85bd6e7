"""`./dev test`: the test suite. Arguments pass through to pytest.

Without any: everything but the long runs, from the fastest to the slowest. What starts real
instances waits more than it works, so that is spread over the cores too; what keeps visitors coming
has the machine to itself. `--all` adds the long runs and the EB CLI; `--eb` runs only what needs
the EB CLI, which is installed for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests import cfn_lint_venv, eb_venv, moto_venv  # noqa: E402 - found by the line above

QUICK = "not e2e and not eb and not slow"
SPREAD = ["-n", "auto", "--dist", "loadfile"]  # over the cores
REAL = "e2e and not load and not slow and not eb"
LOADED = "e2e and load and not slow and not eb"
LONG = "slow or eb"
REAL_PLACES = ["tests/e2e", "tests/cli"]  # reading all the others takes half a minute


def main(arguments: list[str]) -> int:
    ours = {"--all", "--eb"}
    rest = [a for a in arguments if a not in ours]
    if "--eb" in arguments:
        wire = _pytest(["tests/wire", *rest], eb_venv.variables())
        return _pytest(["-m", "eb", *rest], eb_venv.variables()) or wire
    if rest and not rest[0].startswith("-"):
        return _pytest(rest)
    if "--all" in arguments:
        apart = {**moto_venv.variables(), **cfn_lint_venv.variables()}
        env = {
            **eb_venv.variables(),
            **apart,
            "JACKBEAN_EXPLORE": "1",
            "JACKBEAN_HISTORIES": "2000",
        }
        parts = _usual(rest, env)
        parts.append(_pytest(["-m", LONG, *rest], env))
    else:
        parts = _usual(rest)
    return max(parts)


def _usual(rest: list[str], env: Mapping[str, str] = os.environ) -> list[int]:
    return [
        _pytest(["-m", QUICK, *SPREAD, *rest], env),
        _pytest([*REAL_PLACES, "-m", REAL, *SPREAD, *rest], env),
        _pytest([*REAL_PLACES, "-m", LOADED, *rest], env),
    ]


def _pytest(arguments: list[str], env: Mapping[str, str] = os.environ) -> int:
    argv = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
