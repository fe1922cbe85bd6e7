"""`/opt/aws/bin/cfn-signal`: a bundle tells a wait condition of its stack how it went.

By the URL of the condition's handle, which whoever has it may PUT signals to. Amazon's program can
also name a stack and a resource, which needs keys for CloudFormation; instances have none here.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from uuid import uuid4

from jackbean.agent.paths import Paths
from jackbean.agent.services.keeping import Outcome

NAMES = {
    "-s": "success", "--success": "success",
    "-e": "code", "--exit-code": "code",
    "-i": "id", "--id": "id",
    "-d": "data", "--data": "data",
    "-r": "reason", "--reason": "reason",
    "--stack": "stack", "--resource": "resource",
    "--region": "", "--url": "", "--role": "", "--access-key": "", "--secret-key": "",
    "--credential-file": "", "-f": "", "--http-proxy": "", "--https-proxy": "",
}  # fmt: skip
SCHEMES = ("http://", "https://")
TRIES, PAUSE_S, ANSWER_S = 5, 1.0, 30.0
BY_URL = (
    "cfn-signal: signal by the URL of a wait condition's handle: "
    'cfn-signal -e $? \'`{"Ref": "HANDLE"}`\'. Naming a stack and a resource needs keys for '
    "CloudFormation, and an instance has none here."
)


@dataclass(frozen=True)
class Wish:
    url: str
    body: bytes


def signal(argv: list[str], paths: Paths) -> Outcome:
    """Do what `cfn-signal` is asked for."""
    given, urls = _parsed(argv)
    if not urls:
        return Outcome(1, BY_URL)
    wish = Wish(_url(urls[0]), _body(given))
    if not wish.url.startswith(SCHEMES):
        return Outcome(1, BY_URL)
    why, again = _put(wish)
    for _ in range(TRIES - 1):
        if not again:
            break
        time.sleep(PAUSE_S)
        why, again = _put(wish)
    return Outcome(1, f"cfn-signal: {why}") if why else Outcome()


def _parsed(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    urls = []
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("-") and name in NAMES:
            given[NAMES[name]] = value if equals else next(words, "")
        elif not word.startswith("-"):
            urls.append(word)
    return given, urls


def _url(said: str) -> str:
    """Return a URL, which may be in base 64."""
    if said.startswith(SCHEMES):
        return said
    try:
        return base64.b64decode(said, validate=True).decode()
    except (binascii.Error, ValueError):
        return said


def _body(given: dict[str, str]) -> bytes:
    success = given.get("code", "0").strip() == "0" and given.get("success", "true") != "false"
    said = {
        "Status": "SUCCESS" if success else "FAILURE",
        "UniqueId": given.get("id") or os.environ.get("HOSTNAME") or str(uuid4()),
        "Data": given.get("data", ""),
        "Reason": given.get("reason", ""),
    }
    return json.dumps(said).encode()


def _put(wish: Wish) -> tuple[str, bool]:
    """Send it; return why it was not taken, "" if it was, and whether it may be later."""
    try:
        headers = {"Content-Type": ""}
        request = urllib.request.Request(wish.url, wish.body, headers, method="PUT")  # noqa: S310 - checked
        with urllib.request.urlopen(request, timeout=ANSWER_S):  # noqa: S310 - its scheme was checked
            return "", False
    except urllib.error.HTTPError as error:
        told = error.read(2000).decode(errors="replace")
        return f"{error.code}: {told}", error.code >= 500
    except (OSError, ValueError) as error:
        return f"{wish.url[:100]}: {error}", isinstance(error, OSError)
