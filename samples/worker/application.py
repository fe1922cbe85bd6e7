"""A worker: each message of the queue comes as a POST, and 200 says that it is done.

    {"seconds": 3}      takes that long
    {"fail": true}      is not done: it comes again, and is a dead letter in the end

Anything else is written to the log. `cron.yaml` sends a message every minute.
"""

import json
import os
import time

VERSION = "v1"


def application(environ, start_response):
    """Answer a request; what this file defines under this name is what the platform starts."""
    if environ["REQUEST_METHOD"] != "POST":
        return answer(start_response, "200 OK", f"worker {VERSION} waits for messages\n")
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size).decode(errors="replace")
    status = work(environ, body)
    attempt = environ.get("HTTP_X_AWS_SQSD_RECEIVE_COUNT", "-")
    message = environ.get("HTTP_X_AWS_SQSD_MSGID", "-")
    print(
        f"{os.uname().nodename} message {message} attempt {attempt} {status}: {body[:200]}",
        flush=True,
    )
    return answer(start_response, status, "")


def work(environ, body):
    """Do what a message asks for, and return the status to answer with."""
    if task := environ.get("HTTP_X_AWS_SQSD_TASKNAME"):
        print(f"it is time for {task}", flush=True)
        return "200 OK"
    try:
        wanted = json.loads(body)
    except ValueError:
        return "200 OK"
    if not isinstance(wanted, dict):
        return "200 OK"
    seconds = wanted.get("seconds", 0)
    if isinstance(seconds, (int, float)):
        time.sleep(max(0, min(seconds, 3600)))
    return "500 Internal Server Error" if wanted.get("fail") else "200 OK"


def answer(start_response, status, text):
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
