"""What becomes of a message once its request has ended. Pure: the table of AWS's daemon.

Exactly status 200 is success. Every other answer, and none, is a failure: the message is given
back, to be seen again after ErrorVisibilityTimeout. A request that is given up because the daemon
has to end says nothing about the message: that is given back at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.protocol import Worker
from jackbean.sqsd.exchange import Ending, Kind

SUCCESS = 200
BAD_GATEWAY = 502  # what the proxy says when nobody is behind it


@dataclass(frozen=True)
class Outcome:
    """`delete`, or else give back, to be seen again after `hidden_s`.

    `absent` says that perhaps there is no application that could have answered.
    """

    delete: bool
    hidden_s: int = 0
    absent: bool = False


def outcome(ending: Ending, worker: Worker) -> Outcome:
    if ending.answered and ending.status == SUCCESS:
        return Outcome(delete=True)
    if ending.kind is Kind.LEFT:
        return Outcome(delete=False)
    absent = ending.status == BAD_GATEWAY or ending.kind in (Kind.UNREACHABLE, Kind.BROKEN)
    return Outcome(delete=False, hidden_s=worker.error_visibility_timeout_s, absent=absent)
