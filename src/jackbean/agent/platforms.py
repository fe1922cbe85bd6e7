"""The platforms that an instance can be, by family."""

from __future__ import annotations

from collections.abc import Mapping

from jackbean.agent.nodejs import NODEJS
from jackbean.agent.python import PYTHON
from jackbean.agent.run import Platform

PLATFORMS: Mapping[str, Platform] = {platform.family: platform for platform in (PYTHON, NODEJS)}
