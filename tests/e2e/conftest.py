"""One installation for all tests that do not harm it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.installation import Installation, installed


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    with installed() as one:
        yield one
