"""How large objects and what describes them may be: S3's numbers, but for the whole object."""

from __future__ import annotations

PUT_BYTES_MAX = 5 << 30  # in one request, whole or part
OBJECT_BYTES_MAX = 5 << 30  # of all parts together: they become one file
PART_BYTES_MIN = 5 << 20  # of all parts but the last
PART_NUMBER_MAX = 10_000
KEY_BYTES_MAX = 1024
METADATA_BYTES_MAX = 2048
HEADER_BYTES_MAX = 8192  # of one value that is kept with the object
TAGS_MAX = 10
TAG_KEY_MAX = 128
TAG_VALUE_MAX = 256
PAGE_MAX = 1000  # entries in one list, keys in one DeleteObjects
BUCKETS_MAX = 1000
POLICY_BYTES_MAX = 20_480

ORPHAN_GRACE_S = 600.0  # between the last reference's end and the bytes' end
UPLOAD_AGE_MAX_S = 7 * 86400.0  # then an unfinished upload is given up
COLLECT_MAX = 1000  # blobs deleted by one collection

assert PUT_BYTES_MAX <= OBJECT_BYTES_MAX  # noqa: S101  a relation of constants
assert ORPHAN_GRACE_S < UPLOAD_AGE_MAX_S  # noqa: S101  a relation of constants
