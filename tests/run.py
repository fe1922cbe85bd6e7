"""`./dev test`: the test suite. Arguments pass through to pytest.

Without any: everything but the long runs, from the fastest to the slowest: `--quick`, `--real`,
`--load`, each of which may be asked for alone. What starts real instances waits more than it works,
so that is spread over the cores too; what keeps visitors coming has the machine to itself. `--eb`
adds what needs the EB CLI, which is installed for it; `--all` that and the long runs. With
`--again`, what failed among others is tried once more alone, and is told of either way: a strange
machine's moods are not a change's fault.
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

WORKERS = max(2, (os.cpu_count() or 1) * 3 // 2)  # much of it waits: for instances, for disks
SPREAD = ["-n", str(WORKERS), "--dist", "loadfile"]
REAL_PLACES = ["tests/e2e", "tests/cli"]  # reading all the others takes half a minute
EB_PLACES = ["tests/protocol/test_eb.py"]
# The longest first, which is no matter of how many tests a file has: the EB CLI's have few.
IN_ORDER = "--no-loadscope-reorder"
PARTS = {
    "--quick": ["-m", "not e2e and not eb and not slow", *SPREAD],
    "--real": [*REAL_PLACES, "-m", "(e2e or eb) and not load and not slow", *SPREAD, IN_ORDER],
    "--load": [*REAL_PLACES, "-m", "e2e and load and not slow and not eb"],
}
LONG = ["-m", "slow"]
AGAIN = ["--last-failed", "--last-failed-no-failures", "none", "--exitfirst"]


def main(arguments: list[str]) -> int:
    ours = {*PARTS, "--all", "--eb", "--again"}
    rest = [a for a in arguments if a not in ours]
    if rest and not rest[0].startswith("-"):
        return _pytest(rest)
    wanted = ours.intersection(arguments)
    parts = {name: list(which) for name, which in PARTS.items() if name in wanted} or dict(PARTS)
    if wanted & {"--all", "--eb"} and "--real" in parts:
        parts["--real"] = [*EB_PLACES, *parts["--real"]]
    if "--all" in wanted:
        parts["--all"] = LONG
    env = _environment(wanted)
    return max([_part([*p, *rest], env, again="--again" in wanted) for p in parts.values()])


def _environment(wanted: set[str]) -> Mapping[str, str]:
    found = dict(eb_venv.variables() if wanted & {"--all", "--eb"} else os.environ)
    if "--all" in wanted:
        found |= moto_venv.variables() | cfn_lint_venv.variables()
        found |= {"JACKBEAN_EXPLORE": "1", "JACKBEAN_HISTORIES": "2000"}
    return found


def _part(which: list[str], env: Mapping[str, str], *, again: bool) -> int:
    code = _pytest(which, env)
    if not again or code != pytest.ExitCode.TESTS_FAILED:
        return code
    sys.stdout.write("\nOnce more, each alone, what has failed:\n")
    sys.stdout.flush()
    return _pytest([*which, "-n", "0", *AGAIN], env)


def _pytest(arguments: list[str], env: Mapping[str, str] = os.environ) -> int:
    argv = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
