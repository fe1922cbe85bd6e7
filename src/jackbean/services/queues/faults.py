"""What can be wrong with a request about queues, in AWS's words.

Codes are the names of the shapes that the JSON protocol has; where the query protocol calls them
something else, the wire knows.
"""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.services.queues.limits import BATCH_BYTES_MAX, BATCH_ENTRIES_MAX

SHOWN_CHARS_MAX = 256


def no_queue() -> Fault:
    return Fault("QueueDoesNotExist", "The specified queue does not exist.")


def name_taken(attribute: str) -> Fault:
    text = "A queue already exists with the same name and a different value for attribute "
    return Fault("QueueNameExists", text + attribute)


def missing(parameter: str) -> Fault:
    return Fault("MissingParameter", f"The request must contain the parameter {parameter}.")


def invalid(message: str) -> Fault:
    return Fault("InvalidParameterValue", message)


def unfit(parameter: str, value: object, reason: str) -> Fault:
    """Return the fault for a value that its parameter does not take."""
    shown = str(value)[:SHOWN_CHARS_MAX]
    return invalid(f"Value {shown} for parameter {parameter} is invalid. Reason: {reason}")


def not_of_this_type(parameter: str, value: object) -> Fault:
    reason = "The request include parameter that is not valid for this queue type."
    return unfit(parameter, value, reason)


def unknown_attribute(name: str) -> Fault:
    return Fault("InvalidAttributeName", f"Unknown Attribute {name[:SHOWN_CHARS_MAX]}.")


def bad_attribute(name: str) -> Fault:
    return Fault("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def bad_contents(message: str) -> Fault:
    return Fault("InvalidMessageContents", message)


def bad_handle(handle: str) -> Fault:
    shown = handle[:SHOWN_CHARS_MAX]
    text = f'The input receipt handle "{shown}" is not a valid receipt handle.'
    return Fault("ReceiptHandleIsInvalid", text)


def handle_expired(handle: str) -> Fault:
    return unfit("ReceiptHandle", handle, "The receipt handle has expired.")


def not_held(handle: str) -> Fault:
    reason = "Message does not exist or is not available for visibility timeout change."
    return unfit("ReceiptHandle", handle, reason)


def not_in_flight() -> Fault:
    text = "The message referred to is not in flight: it is visible again, or was never received."
    return Fault("MessageNotInflight", text)


def held_too_long(seconds: int) -> Fault:
    reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
    return unfit("VisibilityTimeout", seconds, reason)


def empty_batch(entry: str) -> Fault:
    return Fault("EmptyBatchRequest", f"There should be at least one {entry} in the request.")


def too_many_entries(count: int) -> Fault:
    text = f"Maximum number of entries per request are {BATCH_ENTRIES_MAX}. You have sent {count}."
    return Fault("TooManyEntriesInBatchRequest", text)


def id_repeated(id_: str) -> Fault:
    return Fault("BatchEntryIdsNotDistinct", f"Id {id_} repeated.")


def bad_entry_id() -> Fault:
    text = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long."
    )
    return Fault("InvalidBatchEntryId", text)


def batch_too_long(size: int) -> Fault:
    text = f"Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent {size} "
    return Fault("BatchRequestTooLong", text + "bytes.")


def message_too_long(most: int) -> Fault:
    reason = f"Message must be shorter than {most} bytes."
    return invalid(f"One or more parameters are invalid. Reason: {reason}")


def no_resource(parameter: str) -> Fault:
    text = f"The resource that you specified for the {parameter} parameter doesn't exist."
    return Fault("ResourceNotFoundException", text)


def unsupported(message: str) -> Fault:
    return Fault("UnsupportedOperation", message)
