"""moto, which mimics AWS in memory, in a virtual environment of its own: it brings much with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv-moto"


def variables() -> dict[str, str]:
    """Return what tests find moto by, installing it where there is none."""
    server = VENV / "bin" / "moto_server"
    if not server.exists():
        print("installing moto into .venv-moto (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "moto[server]>=5,<6"]
        subprocess.run(pip, check=True)
    return {"JACKBEAN_MOTO": str(server)}
