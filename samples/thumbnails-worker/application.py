"""Makes thumbnails: a message has a link to read an image, and one to write its thumbnail.

A message can come twice: the second time makes the same thumbnail again. What is no image is
answered with 200, since no other attempt would make it one.
"""

import io
import json
import os
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image, UnidentifiedImageError

SIZE = (128, 128)
TIMEOUT_S = 30
STALE_S = 3600
FOLDER = Path(os.environ.get("TMPDIR", "/tmp"), "thumbnails")
Image.MAX_IMAGE_PIXELS = 50_000_000


def make(wanted):
    """Fetch an image to the disk, make its thumbnail and send that where it belongs."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=FOLDER) as file:
        with urllib.request.urlopen(wanted["image"], timeout=TIMEOUT_S) as found:
            while piece := found.read(1 << 16):
                file.write(piece)
        file.flush()
        thumbnail = small(file.name)
    if thumbnail:
        request = urllib.request.Request(wanted["thumbnail"], thumbnail, method="PUT")
        request.add_header("Content-Type", "image/png")
        urllib.request.urlopen(request, timeout=TIMEOUT_S).close()


def small(path):
    """Return the thumbnail of an image file as PNG; None if it is no image."""
    try:
        with Image.open(path) as image:
            shown = image.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        print(f"no image: {error}", flush=True)
        return None
    shown.thumbnail(SIZE)
    made = io.BytesIO()
    shown.save(made, "PNG")
    return made.getvalue()


def clean_up():
    """Remove what processes that were killed have left on this instance's disk."""
    for path in FOLDER.glob("*"):
        if time.time() - path.stat().st_mtime > STALE_S:
            path.unlink(missing_ok=True)


def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/tasks/clean-up":
        clean_up()
    elif environ["REQUEST_METHOD"] == "POST":
        make(json.loads(body))
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
