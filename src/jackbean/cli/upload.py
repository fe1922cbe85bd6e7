"""Bundles to the bucket: small ones in one request, others in parts, several at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SINGLE_BYTES_MAX = 7 << 20
PART_BYTES = 8 << 20
ABREAST = 4
PART_BYTES_MIN = 5 << 20  # S3 takes no smaller part, but for the last
assert SINGLE_BYTES_MAX >= PART_BYTES_MIN and PART_BYTES >= PART_BYTES_MIN  # noqa: S101, PT018 - limits


def upload(s3: Any, path: Path, bucket: str, key: str) -> None:
    """Store a file as an object, whole or not at all."""
    size = path.stat().st_size
    if size <= SINGLE_BYTES_MAX:
        with path.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    else:
        _in_parts(s3, path, bucket, key)


def part_offsets(size: int) -> Iterator[int]:
    """Yield where the parts of a file of `size` bytes begin."""
    yield from range(0, size, PART_BYTES)


def _in_parts(s3: Any, path: Path, bucket: str, key: str) -> None:
    place = {"Bucket": bucket, "Key": key}
    upload_id = s3.create_multipart_upload(**place)["UploadId"]
    try:
        parts = _send(s3, path, {**place, "UploadId": upload_id})
        s3.complete_multipart_upload(**place, UploadId=upload_id, MultipartUpload={"Parts": parts})
    except BaseException:
        s3.abort_multipart_upload(**place, UploadId=upload_id)
        raise


def _send(s3: Any, path: Path, place: dict[str, str]) -> list[dict[str, Any]]:
    def send(numbered: tuple[int, int]) -> dict[str, Any]:
        number, offset = numbered
        with path.open("rb") as file:
            file.seek(offset)
            body = file.read(PART_BYTES)
        answer = s3.upload_part(**place, PartNumber=number, Body=body)
        checks = {
            k: v for k, v in answer.items() if k.startswith("Checksum") and k != "ChecksumType"
        }
        return {"PartNumber": number, "ETag": answer["ETag"], **checks}

    with ThreadPoolExecutor(ABREAST) as pool:
        return list(pool.map(send, enumerate(part_offsets(path.stat().st_size), 1)))
