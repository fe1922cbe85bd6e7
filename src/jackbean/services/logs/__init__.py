"""CloudWatch Logs: groups, streams, events, and filters."""

from __future__ import annotations

from jackbean.services.logs.events import Page, Reading
from jackbean.services.logs.filtering import Searching
from jackbean.services.logs.service import LogService

__all__ = ["LogService", "Page", "Reading", "Searching"]
