"""What can be wrong with a request about logs, in AWS's words where it has some."""

from __future__ import annotations

from jackbean.core.errors import Fault


def invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)


def no_group() -> Fault:
    return Fault("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> Fault:
    return Fault("ResourceNotFoundException", "The specified log stream does not exist.")


def no_resource() -> Fault:
    return Fault("ResourceNotFoundException", "The specified resource does not exist.")


def there_already(what: str) -> Fault:
    return Fault("ResourceAlreadyExistsException", f"The specified {what} already exists")


def too_many(message: str) -> Fault:
    return Fault("LimitExceededException", message)


def protected() -> Fault:
    text = "The log group is protected: switch its deletion protection off first."
    return Fault("ValidationException", text)
