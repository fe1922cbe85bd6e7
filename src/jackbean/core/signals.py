"""Signals: what wait conditions wait for, how they are told, and what they come to.

A signal is a JSON object that is PUT to a handle's URL, as `cfn-signal` and `curl -T` send it, or a
call of SignalResource. Of several with one UniqueId the first counts: CloudFormation takes the
others for the same one sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jackbean.core.errors import Fault
from jackbean.core.resources import Made, Refused, Underway

BODY_BYTES_MAX = 64 << 10
UNIQUE_ID_MAX, REASON_MAX, DATA_MAX = 256, 1024, 4096  # characters
SIGNALS_MAX, TOGETHER_MAX = 1000, 256 << 10  # signals of one handle, and all their characters
STATUSES = {"SUCCESS": True, "FAILURE": False}


@dataclass(frozen=True)
class Signal:
    unique_id: str
    success: bool
    reason: str = ""
    data: str = ""


@dataclass(frozen=True)
class Patience:
    """How many successes are waited for, and for how many seconds.

    `asked` says that a CreationPolicy asks for them, and not the properties of a wait condition:
    CloudFormation has other words for what does not come.
    """

    count: int
    timeout_s: float
    asked: bool = False


def read_signal(body: bytes) -> Signal:
    """Return the signal that was PUT. Raises the Fault for what is none."""
    try:
        told = json.loads(body) if len(body) <= BODY_BYTES_MAX else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _malformed("The body is a JSON object of Status, UniqueId, Data and Reason")
    signal = signal_of(_word(told, "UniqueId"), _word(told, "Status"))
    return Signal(
        signal.unique_id,
        signal.success,
        _word(told, "Reason")[:REASON_MAX],
        _bounded("Data", _word(told, "Data"), DATA_MAX),
    )


def signal_of(unique_id: str, status: str) -> Signal:
    """Return a signal without a word. Raises the Fault for what is none."""
    if status not in STATUSES:
        raise _malformed(f"Status is SUCCESS or FAILURE, not {status[:40]!r}")
    if not unique_id:
        raise _malformed("UniqueId must be there: it tells one signal from another")
    return Signal(_bounded("UniqueId", unique_id, UNIQUE_ID_MAX), STATUSES[status])


def outcome(signals: Sequence[Signal], patience: Patience, waited_s: float) -> Made | Refused | str:
    """Return what signals come to after so long; a text says what is still waited for."""
    for signal in signals:
        if not signal.success:
            return Refused(_failure(signal, patience))
    missing = patience.count - len(signals)
    if missing <= 0:
        return Made("", {"Data": data(signals)})
    if waited_s >= patience.timeout_s:
        return Refused(_timeout(len(signals), patience))
    return f"{len(signals)} of {patience.count} signal(s) received"


def data(signals: Sequence[Signal]) -> str:
    """Return what `Data` of a wait condition is: a JSON object, by UniqueId."""
    return json.dumps({one.unique_id: one.data for one in signals}, separators=(",", ":"))


def added(signals: Sequence[Signal], signal: Signal) -> tuple[Signal, ...]:
    """Return signals with another one. Raises the Fault where there are too many."""
    if any(one.unique_id == signal.unique_id for one in signals):
        return tuple(signals)
    after = (*signals, signal)
    size = sum(len(one.unique_id) + len(one.reason) + len(one.data) for one in after)
    if len(after) > SIGNALS_MAX or size > TOGETHER_MAX:
        most = f"{SIGNALS_MAX} signals, of {TOGETHER_MAX} characters together"
        raise Fault("LimitExceeded", f"A handle takes at most {most}.")
    return after


def to_json(signals: Sequence[Signal]) -> str:
    return json.dumps([asdict(one) for one in signals], separators=(",", ":"))


def from_json(text: str | None) -> tuple[Signal, ...]:
    """Return the signals that `to_json` made; none for None."""
    return tuple(Signal(**one) for one in json.loads(text or "[]"))


def still(received: str) -> Underway:
    """Return the sight of what waits for signals: it knows itself how long it may take."""
    return Underway(received, ends=True)


def _failure(signal: Signal, patience: Patience) -> str:
    if patience.asked:
        return f"Received FAILURE signal with UniqueId {signal.unique_id}"
    return (
        f"WaitCondition received failed message: '{signal.reason}' for uniqueId: {signal.unique_id}"
    )


def _timeout(received: int, patience: Patience) -> str:
    if patience.asked:
        missing = patience.count - received
        return f"Failed to receive {missing} resource signal(s) within the specified duration"
    return (
        f"WaitCondition timed out. Received {received} conditions when expecting {patience.count}"
    )


def _word(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, separators=(",", ":"))


def _bounded(name: str, value: str, most: int) -> str:
    if len(value) > most:
        raise _malformed(f"{name} has at most {most} characters")
    return value


def _malformed(text: str) -> Fault:
    return Fault("MalformedSignal", f"{text}. Nothing was signalled: send it again.")
