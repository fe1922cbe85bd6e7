"""Settings of workers read as what they mean."""

from __future__ import annotations

from jackbean.core.options.resolve import Layers, effective
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options
from jackbean.core.options.workers import ScalingOptions, WorkerOptions

SQSD, SCALING = "aws:elasticbeanstalk:sqsd", "jackbean:scaling"


def given_(*rows: tuple[str, str, str], tier: str = "Worker") -> Settings:
    chosen = Settings(Setting(*row) for row in rows)
    return effective(Layers(direct=chosen), options("Python"), tier)


def test_what_a_daemon_is_told() -> None:
    told = WorkerOptions.of(given_((SQSD, "MaxRetries", "3")))
    assert (told.max_retries, told.queue_url, told.http_path) == (3, "", "/")
    assert (told.visibility_timeout_s, told.retention_period_s) == (300, 345_600)


def test_capacity_follows_the_queue_where_that_is_asked_for() -> None:
    assert ScalingOptions.of(given_()) == ScalingOptions(None, 15, 60)
    rows = ((SCALING, "BacklogPerInstance", "100"), (SCALING, "ScaleInCooldown", "30"))
    assert ScalingOptions.of(given_(*rows)) == ScalingOptions(100, 15, 30)
    assert ScalingOptions.of(given_(*rows, tier="WebServer")).backlog is None
