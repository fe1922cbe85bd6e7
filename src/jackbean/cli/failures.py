"""How a command fails: a sentence that names the thing, the place and the next move, and a code.

The codes are those that the EB CLI ends with, so that pipelines need not be changed:

    2    nobody answers (also: the command line is wrong)
    3    the environment is busy, there is no region
    4    everything else: refused, timed out, failed
    5    interrupted, or no environment is chosen for this branch
    126  the folder has not been set up
"""

from __future__ import annotations

import click

BUSY = "is in an invalid state for this operation"
IDLE = "Must be Updating"  # there is nothing to wait for
UNREACHABLE = frozenset(
    {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "ProxyConnectionError",
        "HTTPClientError",
        "ConnectionError",
        "SSLError",
    }
)
NO_KEYS = frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"})


class Failure(click.ClickException):
    """Something did not go as asked. `code` is AWS's where AWS refused."""

    exit_code = 4

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or type(self).__name__


class Unreachable(Failure):
    exit_code = 2


class Busy(Failure):
    exit_code = 3


class NoRegion(Failure):
    exit_code = 3


class Interrupted(Failure):
    exit_code = 5


class NoEnvironment(Failure):
    exit_code = 5


class NotSetUp(Failure):
    exit_code = 126

    def __init__(self) -> None:
        super().__init__("This folder has not been set up. Run `jb init`, or `jb create`.")


def explain(error: Exception, endpoint: str | None) -> Failure:
    """Return what to tell about an error that botocore raised.

    Told apart by name, so that an error costs no imports before there is one.
    """
    kind = type(error).__name__
    names = {base.__name__ for base in type(error).__mro__}
    if names & UNREACHABLE:
        return _unreachable(error, endpoint)
    if names & NO_KEYS:
        return Failure(
            "There are no credentials. For Jackbean: "
            'eval "$(jackbean env)"; for AWS: set up a profile and give --profile.',
            kind,
        )
    if "NoRegionError" in names:
        return NoRegion("No region is known. Give --region, or run `jb init --region REGION`.")
    return refused(error) or Failure(f"{kind}: {error}", kind)


def refused(error: Exception) -> Failure | None:
    """Return what to tell where a server refused a request; None for other errors."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    said = response.get("Error", {})
    return refusal(str(said.get("Code") or "Error"), str(said.get("Message") or error))


def refusal(code: str, text: str) -> Failure:
    """Return what to tell where a server answered with that code and text."""
    if BUSY in text and IDLE not in text:
        return Busy(f"{text} Watch it with `jb events --follow`, then try again.", code)
    return Failure(text, code)


def _unreachable(error: Exception, endpoint: str | None) -> Failure:
    if endpoint is None:
        return Unreachable(f"AWS cannot be reached: {error}")
    return Unreachable(
        f"Nobody answers at {endpoint}. Is `jackbean serve` running? "
        "`jackbean status` says; AWS_ENDPOINT_URL says where to look."
    )
