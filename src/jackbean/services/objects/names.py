"""Which names buckets, keys and tags may have, and what a bucket's policy must be."""

from __future__ import annotations

import json
import re

from jackbean.core.errors import Fault
from jackbean.core.policies import sound
from jackbean.ports.buckets import Description, Pairs
from jackbean.services.objects import faults, limits

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


def check_bucket(name: str) -> None:
    """Raise a Fault unless a new bucket may have this name."""
    if not BUCKET.fullmatch(name) or ".." in name or ADDRESS.fullmatch(name):
        raise Fault(
            "InvalidBucketName",
            f"The specified bucket is not valid: '{name[:80]}' must be 3 to 63 lower-case letters, "
            "digits, dots and hyphens, begin and end with a letter or digit, and be no IP address.",
        )


def check_policy(policy: str, bucket: str) -> None:
    """Raise the Fault for what is no policy, or is one of something else."""
    if not policy:
        return
    if len(policy.encode()) > limits.POLICY_BYTES_MAX:
        raise faults.malformed_policy(f"It is larger than {limits.POLICY_BYTES_MAX} bytes.")
    statements = sound(policy)
    if not statements:
        raise faults.malformed_policy("It is no JSON with statements that allow or deny.")
    places = {"*", f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}*"}
    for one in statements:
        named = one.get("Resource", one.get("NotResource"))
        for resource in named if isinstance(named, list) else [named]:
            if not isinstance(resource, str) or resource.partition("/")[0] not in places:
                told = json.dumps(resource)[:200]
                raise faults.malformed_policy(f"Policy has invalid resource: {told}.")


def check_key(key: str) -> None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise Fault("InvalidURI", "Couldn't parse the specified URI: no UTF-8 in it.") from None
    if size > limits.KEY_BYTES_MAX:
        raise Fault(
            "KeyTooLongError",
            f"Your key is too long: {size} bytes, at most {limits.KEY_BYTES_MAX} fit.",
        )
    if not key:
        raise faults.argument("An object's key has at least one character.")


def check_description(description: Description) -> None:
    size = sum(len(name) + len(value) for name, value in description.metadata)
    if size > limits.METADATA_BYTES_MAX:
        raise Fault(
            "MetadataTooLarge",
            f"Your metadata headers take {size} bytes; at most {limits.METADATA_BYTES_MAX} fit.",
        )
    for name, value in description.headers:
        if len(value) > limits.HEADER_BYTES_MAX:
            raise faults.argument(f"The value of {name} is longer than {limits.HEADER_BYTES_MAX}.")
    check_tags(description.tags)


def check_tags(tags: Pairs) -> None:
    if len(tags) > limits.TAGS_MAX:
        raise Fault("BadRequest", f"Object tags cannot be greater than {limits.TAGS_MAX}")
    if len({name for name, _ in tags}) < len(tags):
        raise Fault("InvalidTag", "Cannot provide multiple Tags with the same key")
    for name, value in tags:
        if not 1 <= len(name) <= limits.TAG_KEY_MAX:
            raise Fault("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > limits.TAG_VALUE_MAX:
            raise Fault("InvalidTag", "The TagValue you have provided is invalid")
