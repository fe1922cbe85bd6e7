"""cfn-lint, in a virtual environment of its own: it brings every schema that AWS has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv-cfn-lint"


def variables() -> dict[str, str]:
    """Return what tests find cfn-lint by, installing it where there is none."""
    program = VENV / "bin" / "cfn-lint"
    if not program.exists():
        print("installing cfn-lint into .venv-cfn-lint (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "cfn-lint>=1.40,<2"]
        subprocess.run(pip, check=True)
    return {"JACKBEAN_CFN_LINT": str(program)}
