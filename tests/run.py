"""`./dev test`: the test suite. Arguments pass through to pytest.

Without any: everything but the long runs, from the fastest to the slowest. What starts real
instances waits more than it works, so that is spread over the cores too; what keeps visitors coming
has the machine to itself. `--all` adds the long runs and the EB CLI; `--eb` runs only what needs
the EB CLI, which is installed for it. With `--again`, what failed among others is tried once more
alone, and is told of either way: a strange machine's moods are not a change's fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests import cfn_lint_venv, eb_venv, moto_venv  # noqa: E402 - found by the line above

QUICK = "not e2e and not eb and not slow"
WORKERS = max(2, (os.cpu_count() or 1) * 3 // 2)  # much of it waits: for instances, for disks
SPREAD = ["-n", str(WORKERS), "--dist", "loadfile"]
REAL = "e2e and not load and not slow and not eb"
LOADED = "e2e and load and not slow and not eb"
LONG = "slow or eb"
REAL_PLACES = ["tests/e2e", "tests/cli"]  # reading all the others takes half a minute


AGAIN = ["--last-failed", "--last-failed-no-failures", "none", "--exitfirst"]


def main(arguments: list[str]) -> int:
    ours = {"--all", "--eb", "--again"}
    rest = [a for a in arguments if a not in ours]
    again = "--again" in arguments
    if "--eb" in arguments:
        wire = _pytest(["tests/wire", *SPREAD, *rest], eb_venv.variables())
        each = [*SPREAD[:2], "--dist", "load"]
        return _pytest(["tests/protocol", "-m", "eb", *each, *rest], eb_venv.variables()) or wire
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
        parts = _usual(rest, again=again)
    return max(parts)


def _usual(
    rest: list[str], env: Mapping[str, str] = os.environ, *, again: bool = False
) -> list[int]:
    parts = (
        (["-m", QUICK, *rest], SPREAD),
        ([*REAL_PLACES, "-m", REAL, *rest], SPREAD),
        ([*REAL_PLACES, "-m", LOADED, *rest], []),
    )
    return [_part(which, spread, env, again=again) for which, spread in parts]


def _part(which: list[str], spread: list[str], env: Mapping[str, str], *, again: bool) -> int:
    code = _pytest([*which, *spread], env)
    if not again or code != pytest.ExitCode.TESTS_FAILED:
        return code
    sys.stdout.write("\nOnce more, each alone, what has failed:\n")
    sys.stdout.flush()
    return _pytest([*which, *AGAIN], env)


def _pytest(arguments: list[str], env: Mapping[str, str] = os.environ) -> int:
    argv = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
