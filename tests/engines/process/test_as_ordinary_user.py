"""The same tests as a user without any rights, where we are root: most laptops are like that."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SELECTION = ("-q", "-p", "no:cacheprovider", "-k", "user")  # the mode that it is about
NOBODY = 54321  # no account has this number, and none is needed
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
FILES = (
    "tests/contract/test_engine.py",
    "tests/engines/process/test_dependencies.py",
    "tests/engines/process/test_engine.py",
    "tests/engines/process/test_isolation.py",
)


def interpreter(folder: Path) -> Path:
    """Return a Python of our version that others may run: a copy if the machine has none."""
    ours = Path(sys.executable).resolve()
    for candidate in (ours, Path("/usr/bin", VERSION), Path("/usr/local/bin", VERSION)):
        try:
            done = subprocess.run([candidate, "-c", ""], user=NOBODY, group=NOBODY, check=False)
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    copy = folder / "python"
    subprocess.run(["cp", "-a", sys.base_prefix, copy], check=True)
    return copy / "bin" / VERSION


@pytest.mark.parametrize("root", [True] if os.geteuid() == 0 else [])
@pytest.mark.timeout(600)
def test_all_of_it_as_an_ordinary_user(
    tmp_path_factory: pytest.TempPathFactory, root: bool
) -> None:
    home = Path(f"/tmp/jackbean-tests-{os.getpid()}")  # pytest's own folders are closed to others
    home.mkdir(mode=0o755)
    os.chown(home, NOBODY, NOBODY)
    library = Path(next(p for p in site.getsitepackages() if p.endswith("site-packages")))
    try:
        done = subprocess.run(
            [interpreter(home), "-m", "pytest", *FILES, *SELECTION],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd=REPOSITORY,
            env={
                "HOME": str(home),
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": f"{REPOSITORY / 'src'}:{library}",
                "TMPDIR": str(home),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run(["rm", "-rf", home], check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "passed" in done.stdout
