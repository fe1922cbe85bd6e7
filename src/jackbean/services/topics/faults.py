"""What can be wrong with a request about topics, in AWS's words."""

from __future__ import annotations

from jackbean.core.errors import Fault


def invalid(message: str) -> Fault:
    return Fault("InvalidParameter", f"Invalid parameter: {message}")


def not_found(what: str) -> Fault:
    return Fault("NotFound", f"{what} does not exist", 404)


def no_resource() -> Fault:
    return Fault("ResourceNotFound", "Resource does not exist", 404)


def bad_batch(code: str, message: str) -> Fault:
    return Fault(code, message)
