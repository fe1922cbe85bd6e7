"""When a delivery that failed is tried again. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

RETRIES_MAX = 100
DELAY_S_MAX = 3600


@dataclass(frozen=True)
class Retries:
    """`at_once` tries without delay, then `count` with delays that grow from least to most."""

    count: int = 3
    at_once: int = 0
    least_s: float = 20
    most_s: float = 20
    exponential: bool = False

    def delay_s(self, attempts: int) -> float | None:
        """Return how long to wait after so many attempts, None if that was the last one."""
        retry = attempts - self.at_once
        if attempts < 1 or retry < 1:
            return 0.0
        if retry > self.count:
            return None
        if self.exponential:
            return float(min(self.most_s, self.least_s * 2.0 ** (retry - 1)))
        step = (self.most_s - self.least_s) / max(1, self.count - 1)
        return float(self.least_s + step * (retry - 1))


def retries(policy: str) -> Retries:
    """Return what a delivery policy asks for. Raises ValueError for one that makes no sense."""
    document = json.loads(policy) if policy else {}
    if not isinstance(document, dict):
        raise ValueError("it is not an object")
    told = document.get("healthyRetryPolicy") or document.get("http", {}).get(
        "defaultHealthyRetryPolicy", {}
    )
    if not told:
        return Retries()
    at_once = _whole(told, "numNoDelayRetries", 0, RETRIES_MAX)
    return Retries(
        count=max(0, _whole(told, "numRetries", 3, RETRIES_MAX) - at_once),
        at_once=at_once,
        least_s=_whole(told, "minDelayTarget", 20, DELAY_S_MAX),
        most_s=_whole(told, "maxDelayTarget", 20, DELAY_S_MAX),
        exponential=told.get("backoffFunction") in ("exponential", "geometric"),
    )


def _whole(told: dict[str, Any], name: str, default: int, most: int) -> int:
    value = told.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{name} must be a whole number up to {most}")
    return value
