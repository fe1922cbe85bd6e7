from __future__ import annotations

import pytest

from jackbean.core.environments import Verdict
from jackbean.core.events import Severity
from jackbean.core.health.statuses import HealthStatus
from jackbean.core.health.transitions import transition


def verdict(status: str, *causes: str) -> Verdict:
    color = HealthStatus(status).color  # type: ignore[call-arg]  # by value
    return Verdict(color, status, causes, 1.0)


def basic(color: str) -> Verdict:
    return Verdict(color, "", (), 1.0)


def test_the_first_of_all() -> None:
    after = verdict(
        "Pending", "Initialization in progress (running for 3 seconds).", "There are no instances."
    )
    told = transition(Verdict(), after)
    assert told is not None
    assert told.severity is Severity.INFO
    assert told.message == (
        "Environment health has transitioned to Pending. Initialization in progress "
        "(running for 3 seconds). There are no instances."
    )


@pytest.mark.parametrize(
    ("before", "after", "severity", "message"),
    [
        (
            verdict("Pending"),
            verdict("Ok", "Initialization completed 26 seconds ago and took 5 minutes."),
            "INFO",
            "from Pending to Ok. Initialization completed 26 seconds ago and took 5 minutes.",
        ),
        (
            verdict("Ok"),
            verdict("Info", "Command is executing on all instances."),
            "INFO",
            "from Ok to Info. Command is executing on all instances.",
        ),
        (verdict("Info"), verdict("Ok"), "INFO", "from Info to Ok."),
        (
            verdict("Ok"),
            verdict(
                "Severe",
                "There are no instances.",
                "Auto Scaling group desired capacity is set to 1.",
            ),
            "WARN",
            "from Ok to Severe. There are no instances. "
            "Auto Scaling group desired capacity is set to 1.",
        ),
        (
            verdict("Ok"),
            verdict("Warning", "5 messages in Dead Letter Queue (15 seconds ago)"),
            "WARN",
            "from Ok to Warning. 5 messages in Dead Letter Queue (15 seconds ago).",
        ),
        (verdict("Severe"), verdict("Degraded"), "INFO", "from Severe to Degraded."),
        (verdict("Degraded"), verdict("Severe"), "WARN", "from Degraded to Severe."),
        (verdict("Ok"), verdict("NoData"), "WARN", "from Ok to No Data."),
        (verdict("Ok"), verdict("Unknown"), "INFO", "from Ok to Unknown."),
        (verdict("Suspended"), verdict("Pending"), "INFO", "to Pending."),
        (basic("Green"), verdict("Ok"), "INFO", "to Ok."),
    ],
)
def test_texts_and_severities(before: Verdict, after: Verdict, severity: str, message: str) -> None:
    told = transition(before, after)
    assert told is not None
    assert told.message == f"Environment health has transitioned {message}"
    assert told.severity == severity


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (verdict("Ok"), verdict("Ok", "It hurts.")),
        (verdict("Severe", "a"), verdict("Severe", "b")),
        (verdict("Ok"), verdict("Suspended")),
        (Verdict(), Verdict()),
        (basic("Green"), basic("Green")),
        (basic("Green"), basic("Grey")),
        (verdict("Ok"), Verdict("Purple", "Splendid")),
    ],
)
def test_what_is_no_news(before: Verdict, after: Verdict) -> None:
    assert transition(before, after) is None


@pytest.mark.parametrize(
    ("before", "after", "severity", "message"),
    [
        ("Grey", "Green", "INFO", "set to GREEN"),
        ("Grey", "Yellow", "WARN", "set to YELLOW"),
        ("Grey", "Red", "WARN", "set to RED"),
        ("Yellow", "Red", "WARN", "transitioned from YELLOW to RED"),
        ("Red", "Green", "INFO", "transitioned from RED to GREEN"),
    ],
)
def test_basic_health(before: str, after: str, severity: str, message: str) -> None:
    told = transition(basic(before), basic(after))
    assert told is not None
    assert (told.message, told.severity) == (
        f"Environment health has been {message}"
        if message.startswith("set")
        else f"Environment health has {message}",
        severity,
    )


def test_basic_health_of_a_new_environment() -> None:
    told = transition(Verdict(), basic("Green"))
    assert told is not None
    assert told.message == "Environment health has been set to GREEN"
