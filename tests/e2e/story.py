"""What every request's events must be like, whatever happened while they were told."""

from __future__ import annotations

from collections import Counter

from tests.e2e.installation import Installation

DEPLOYED = "INFO New application version was deployed to running EC2 instances."
FAILED = "ERROR Failed to deploy application."
LAUNCHED = "INFO Successfully launched environment: "
LAUNCH_FAILED = "ERROR Create environment operation is complete, but with errors."
TERMINATED = "INFO terminateEnvironment completed successfully."
ENDS = (DEPLOYED, FAILED, LAUNCHED, LAUNCH_FAILED, TERMINATED)
OPENINGS = (
    "INFO Environment update is starting.",
    "INFO createEnvironment is starting.",
    "INFO terminateEnvironment is starting.",
)


def end_of(installation: Installation, name: str, request: str) -> str:
    """Return how a request's story ends; it is whole, and nothing in it is told twice."""
    told = installation.events(name, request)
    twice = [event for event, count in Counter(told).items() if count > 1]
    assert not twice, (twice, told)
    assert told, f"nothing was told of {request}"
    assert told[0] in OPENINGS, told
    ends = [event for event in told if event.startswith(ENDS)]
    assert len(ends) == 1, told
    return ends[0]
