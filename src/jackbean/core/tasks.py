"""Periodic tasks: what a worker environment's release asks to be sent to it by the clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """`url` is the path that is posted to; `schedule` has five fields, in UTC."""

    name: str
    url: str
    schedule: str
