"""The unmodified EB CLI, in a virtual environment of its own: its dependencies clash with ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv-eb"
MODEL = "ebcli/lib/botocoredata/elasticbeanstalk/2010-12-01/service-2.json"


def variables() -> dict[str, str]:
    """Return what tests find the EB CLI by, installing the latest one where there is none."""
    if not (VENV / "bin" / "eb").exists():
        print("installing the EB CLI into .venv-eb (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "awsebcli"]
        subprocess.run(pip, check=True)
    models = list(VENV.glob(f"lib/python3*/site-packages/{MODEL}"))
    found = {"JACKBEAN_EB": str(VENV / "bin" / "eb")}
    return {**os.environ, **found, "JACKBEAN_EB_MODEL": str(models[0])}


if __name__ == "__main__":
    variables()
