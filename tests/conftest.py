"""What every test shares: how properties are searched, and that it can be interrupted."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

# The same examples each time, so that a change is judged by itself; others where time is no matter.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("exploring", print_blob=True, deadline=None)
settings.load_profile("exploring" if os.environ.get("JACKBEAN_EXPLORE") else "steady")

# In the background of a shell it is ignored, and what tests start and stop would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REAL_PLACES = ("tests/e2e/", "tests/cli/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse real tests where `./dev test` does not look for them."""
    for item in items:
        if item.get_closest_marker("e2e") and not item.nodeid.startswith(REAL_PLACES):
            raise pytest.UsageError(f"{item.nodeid} is real: its place is {REAL_PLACES[0]}")
