"""Properties are tried without a deadline, and canaries are those of the benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

ROOT = str(Path(__file__).parents[3])
if ROOT not in sys.path:  # `python -m pytest` has it, `pytest` has not
    sys.path.append(ROOT)

settings.register_profile("evidence", deadline=None, database=None)
settings.load_profile("evidence")
