"""Asking the control plane for something that an instance cannot go on without."""

from __future__ import annotations

import time
from typing import Any

from jackbean.agent.dial import Unreachable, json_request
from jackbean.agent.phases import ENGINE_LOG, StepFailed
from jackbean.agent.run import Run

RETRY_S = 0.5


def ask(run: Run, target: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a question, asked as often as it takes to reach the control plane.

    Raises StepFailed where the answer is that it cannot be.
    """
    request = json_request("POST", target, body)
    while True:
        run.check()
        try:
            status, answer = run.host.dial.call(request, run.check)
        except (Unreachable, TimeoutError, ConnectionError, FileNotFoundError):
            time.sleep(RETRY_S)
            continue
        answer = answer if isinstance(answer, dict) else {}
        if status == 200:
            return answer
        if status == 422:
            tail = str(answer.get("tail", ""))
            run.log.error(tail)
            raise StepFailed(str(answer.get("cause", "It cannot be had.")), ENGINE_LOG, tail)
        time.sleep(RETRY_S)
