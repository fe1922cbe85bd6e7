"""What S3 answers when it cannot serve: its codes and statuses, and the next move.

Clients compare the codes; people read the messages.
"""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Refusal


def no_such_bucket(name: str) -> Fault:
    return Fault("NoSuchBucket", f"The specified bucket does not exist: {name[:63]}", 404)


def no_such_key(key: str) -> Fault:
    return Fault("NoSuchKey", f"The specified key does not exist: {key[:200]}", 404)


def no_such_version() -> Fault:
    return Fault("NoSuchVersion", "No version but the present one, `null`, is kept here.", 404)


def no_such_upload() -> Fault:
    return Fault(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, "
        "or the upload may have been aborted or completed.",
        404,
    )


def malformed_policy(why: str) -> Fault:
    return Fault("MalformedPolicy", f"This is not a valid bucket policy. {why}")


def argument(message: str) -> Fault:
    return Fault("InvalidArgument", message)


def unmet(condition: str) -> Fault:
    return Fault(
        "PreconditionFailed",
        f"At least one of the pre-conditions you specified did not hold: {condition}",
        412,
    )


def bad_digest(algorithm: str) -> Fault:
    return Fault(
        "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
    )


def too_large(size_max: int) -> Fault:
    return Fault(
        "EntityTooLarge",
        f"Your proposed upload exceeds the maximum allowed size: {size_max} bytes.",
    )


def not_implemented(what: str) -> Fault:
    return Fault("NotImplemented", f"{what} is not implemented here; leave it out.", 501)


def again() -> Fault:
    """Return the fault that clients answer by sending the request once more."""
    return Fault("SlowDown", "The same bytes are being deleted; send the request again.", 503)


def of_refusal(why: Refusal, bucket: str) -> Fault:
    """Return the fault for a change that the store refused."""
    match why:
        case Refusal.BUCKET_TAKEN:
            return Fault(
                "BucketAlreadyOwnedByYou", f"You have created the bucket {bucket} already.", 409
            )
        case Refusal.BUCKET_FULL:
            return Fault(
                "BucketNotEmpty",
                f"The bucket {bucket} is not empty; delete its objects first.",
                409,
            )
        case Refusal.BUCKET_ABSENT:
            return no_such_bucket(bucket)
        case Refusal.UPLOAD_ABSENT:
            return no_such_upload()
        case Refusal.BYTES_CONDEMNED:
            return again()


def denied(action: str, bucket: str, key: str) -> Fault:
    what = f"{bucket}/{key}" if key else bucket or "all buckets"
    return Fault(
        "AccessDenied",
        f"Access Denied: your access key does not allow {action} on {what[:200]}.",
        403,
    )
