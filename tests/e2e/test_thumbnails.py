"""A web environment and its worker: an image goes in, and its thumbnail comes out."""

from __future__ import annotations

import struct
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation, bundle, installed, option, until

pytestmark = pytest.mark.e2e

SAMPLES = Path(__file__).parents[2] / "samples"
SQSD = "aws:elasticbeanstalk:sqsd"
WIDE, HIGH = 400, 300


def sample(name: str) -> bytes:
    root = SAMPLES / name
    return bundle({str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()})


def png(width: int, height: int) -> bytes:
    """Return a red image."""
    rows = (b"\0" + b"\xff\0\0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def ask(url: str, data: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data, method="PUT" if data else "GET")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def launched(one: Installation, name: str, *settings: dict[str, str], **more: Any) -> Any:
    eb = one.client()
    one.version(name, sample(name))
    eb.create_environment(
        ApplicationName=one.application,
        EnvironmentName=name,
        VersionLabel=name,
        SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
        OptionSettings=list(settings),
        **more,
    )
    return one.rest(name)


def test_an_image_becomes_a_thumbnail() -> None:
    with installed() as one:
        web = launched(one, "thumbnails-web")
        (queue,) = [url for url in one.client("sqs").list_queues()["QueueUrls"] if "Jobs" in url]
        launched(
            one,
            "thumbnails-worker",
            option(SQSD, "WorkerQueueURL", queue),
            Tier={"Name": "Worker", "Type": "SQS/HTTP"},
        )
        url = f"http://{web['EndpointURL']}/cat.png"
        assert ask(url)[0] == 404
        began = time.monotonic()
        assert ask(url, png(WIDE, HIGH)) == (202, b"")
        until(lambda: ask(url)[0] == 200, 20, "the thumbnail")
        made = ask(url)[1]
        assert struct.unpack(">II", made[16:24]) == (128, 96)
        assert time.monotonic() - began < 20
        assert ask(f"http://{web['EndpointURL']}/no.png", b"no image")[0] == 202
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def counts() -> list[str]:
            found = one.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
            return [found["Attributes"][name] for name in names]

        until(lambda: counts() == ["0", "0"], 20, "the queue is empty")
