"""Takes images, keeps them, and has a worker make their thumbnails.

    PUT /NAME.png          the image; 202
    GET /NAME.png          its thumbnail; 404 while there is none

The bucket and the queue are this environment's own (.ebextensions). A worker may use neither the
bucket nor its keys: with each message it gets a link to read the image, and one to write the
thumbnail, which are good for a day.
"""

import json
import os
import re

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = os.environ["BUCKET"]
QUEUE = os.environ["WORKER_QUEUE_URL"]
BYTES_MAX = 10 << 20
LINK_S = 24 * 3600
NAME = re.compile(r"/([A-Za-z0-9_-]{1,100}\.(?:png|jpg|jpeg|gif|webp))")
HELP = b"PUT /NAME.png sends an image, GET /NAME.png gets its thumbnail.\n"

s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
sqs = boto3.client("sqs")


def take(environ, name):
    """Keep an image, and ask for its thumbnail."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if not 0 < size <= BYTES_MAX:
        return "413 Content Too Large", b"An image has up to 10 MB.\n", "text/plain"
    image, thumbnail = f"images/{name}", f"thumbnails/{name}.png"
    s3.put_object(Bucket=BUCKET, Key=image, Body=environ["wsgi.input"].read(size))
    wanted = {"image": link("get_object", image), "thumbnail": link("put_object", thumbnail)}
    sqs.send_message(QueueUrl=QUEUE, MessageBody=json.dumps(wanted))
    return "202 Accepted", b"", "text/plain"


def link(operation, key):
    return s3.generate_presigned_url(operation, {"Bucket": BUCKET, "Key": key}, ExpiresIn=LINK_S)


def show(name):
    """Return the thumbnail of an image."""
    try:
        found = s3.get_object(Bucket=BUCKET, Key=f"thumbnails/{name}.png")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied"):
            raise
        return "404 Not Found", b"There is none, or not yet.\n", "text/plain"
    return "200 OK", found["Body"].read(), "image/png"


def application(environ, start_response):
    named = NAME.fullmatch(environ["PATH_INFO"])
    if not named:
        status, body, kind = "200 OK", HELP, "text/plain"
    elif environ["REQUEST_METHOD"] == "PUT":
        status, body, kind = take(environ, named[1])
    else:
        status, body, kind = show(named[1])
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
