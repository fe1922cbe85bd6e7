"""A field of beans: a page, and two addresses for programs."""

import html
import json
import os
import socket
import threading

VERSION = "v2"
TITLE = "The beans have grown."
BEAN = "🌿"
FIELD_MAX = 200

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="/static/style.css">
<main>
  <p class="version">{version}</p>
  <h1>{title}</h1>
  <p class="field" aria-label="{count} beans">{field}</p>
  <form method="post" action="/plant"><button>Plant one more</button></form>
  <p>{greeting} This was instance <code>{instance}</code>; each keeps a field of its own.</p>
</main>
"""

field = [BEAN] * 3
lock = threading.Lock()


def instance():
    """Return who answers: instances without a network of their own differ by their port only."""
    return f"{socket.gethostname()}:{os.environ.get('PORT', '8000')}"


def plant():
    """Add a bean, as long as there is room."""
    with lock:
        if len(field) < FIELD_MAX:
            field.append(BEAN)


def page():
    return PAGE.format(
        version=VERSION,
        title=TITLE,
        count=len(field),
        field="".join(field),
        greeting=html.escape(os.environ.get("GREETING", "Hello.")),
        instance=html.escape(instance()),
    )


def application(environ, start_response):
    """Answer a request; what this file defines under this name is what the platform starts."""
    request = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if request == ("POST", "/plant"):
        plant()
        start_response("303 See Other", [("Location", "/")])
        return [b""]
    if request == ("GET", "/version"):
        told = {"version": VERSION, "instance": instance(), "beans": len(field)}
        return answer(start_response, "200 OK", "application/json", json.dumps(told) + "\n")
    if request == ("GET", "/"):
        return answer(start_response, "200 OK", "text/html; charset=utf-8", page())
    return answer(start_response, "404 Not Found", "text/plain", "Nothing grows here.\n")


def answer(start_response, status, kind, text):
    body = text.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
