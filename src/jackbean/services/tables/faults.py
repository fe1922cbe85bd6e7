"""What can be wrong with a request to a table, as DynamoDB says it."""

from __future__ import annotations

import base64
from typing import Any

from jackbean.core.errors import Fault

CONDITION = "ConditionalCheckFailedException"


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


def bad_values(message: str) -> Fault:
    return invalid(f"One or more parameter values were invalid: {message}")


def no_table(name: str) -> Fault:
    text = f"Requested resource not found: Table: {name[:255]} not found"
    return Fault("ResourceNotFoundException", text)


def in_use(name: str) -> Fault:
    return Fault("ResourceInUseException", f"Table already exists: {name}")


def condition_failed(item: dict[str, Any] | None = None) -> Fault:
    extras = {} if item is None else {"Item": plain(item)}
    return Fault(CONDITION, "The conditional request failed", extras=extras)


def plain(value: Any) -> Any:
    """Return an item as JSON has it: bytes in base 64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def cancelled(reasons: list[dict[str, Any]]) -> Fault:
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    text = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return Fault("TransactionCanceledException", text, extras={"CancellationReasons": reasons})
