"""Every number that health is judged by, as one table.

Elastic Beanstalk documents few of them (the period of ten seconds, three failures within a minute);
for the others its guide shows examples only, and these are ours. The reference page is made from
this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Shares are of one; durations in seconds. `MEANINGS` says what each is for."""

    window_s: float = 10.0
    requests_min: float = 10
    failing_info: float = 0.01
    failing_warning: float = 0.05
    failing_degraded: float = 0.15
    failing_severe: float = 0.30
    erring_warning: float = 0.15
    erring_degraded: float = 0.30
    erring_severe: float = 0.50
    cpu: float = 95.0
    cpu_s: float = 60.0
    load_per_cpu: float = 4.0
    unknown_s: float = 30.0
    no_data_s: float = 60.0
    degraded_share: float = 1 / 3
    severe_share: float = 2 / 3
    warning_share: float = 1 / 3
    waiting_info: float = 100
    dead_warning: float = 1
    unpolled_s: float = 180.0
    completed_s: float = 120.0
    check_s: float = 2.0
    checks: float = 3
    checks_s: float = 60.0
    basic_yellow: float = 2
    basic_red: float = 3

    def __post_init__(self) -> None:
        rising = (
            (0, self.failing_info, self.failing_warning, self.failing_degraded),
            (self.failing_degraded, self.failing_severe, 1),
            (0, self.erring_warning, self.erring_degraded, self.erring_severe, 1),
            (0, self.unknown_s, self.no_data_s),
            (1, self.basic_yellow, self.basic_red),
        )
        for row in rising:
            if list(row) != sorted(row):
                raise ValueError(f"thresholds must not fall from one status to a worse one: {row}")


# name: unit, and what the number decides
MEANINGS = {
    "window_s": ("s", "requests and latencies are counted over this long"),
    "requests_min": ("requests", "fewer than these in the window are not judged"),
    "failing_info": ("share", "of requests answered 5xx: Info"),
    "failing_warning": ("share", "of requests answered 5xx: Warning"),
    "failing_degraded": ("share", "of requests answered 5xx: Degraded"),
    "failing_severe": ("share", "of requests answered 5xx: Severe"),
    "erring_warning": ("share", "of requests answered 4xx: Warning"),
    "erring_degraded": ("share", "of requests answered 4xx: Degraded"),
    "erring_severe": ("share", "of requests answered 4xx: Severe"),
    "cpu": ("percent", "of CPU in use, sustained: Warning"),
    "cpu_s": ("s", "how long that must last"),
    "load_per_cpu": ("load", "per CPU, while CPU is in use like that: Degraded"),
    "unknown_s": ("s", "without a report: Unknown"),
    "no_data_s": ("s", "without a report: NoData"),
    "degraded_share": ("share", "of instances Degraded or worse: Degraded"),
    "severe_share": ("share", "of instances Severe or NoData: Severe"),
    "warning_share": ("share", "of instances Warning: Warning; fewer: Info"),
    "waiting_info": ("messages", "waiting in a worker's queue: Info"),
    "dead_warning": ("messages", "in a worker's dead letter queue: Warning"),
    "unpolled_s": ("s", "without asking the queue, of a worker's instance: Severe, or Red"),
    "completed_s": ("s", "for which a finished deployment is mentioned"),
    "check_s": ("s", "at least between two failing looks that count"),
    "checks": ("looks", "that must fail before the environment's status falls"),
    "checks_s": ("s", "within which they must fail"),
    "basic_yellow": ("looks", "in a row that fail: Yellow (basic health)"),
    "basic_red": ("looks", "in a row that fail: Red (basic health)"),
}

DEFAULTS = Thresholds()
