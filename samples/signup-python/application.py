"""A sign-up page: who signs up is put into a table, and a topic tells of it.

Which table and which topic is in a settings file that .ebextensions write. Endpoint, region and
keys are found by boto3 itself, as on AWS.
"""

import html
import json
import os
from pathlib import Path
from urllib.parse import parse_qs

import boto3
from botocore.exceptions import ClientError

SETTINGS = json.loads(Path(os.environ.get("SIGNUP_SETTINGS", "/etc/signup.json")).read_text())
BODY_BYTES_MAX = 10_000
PAGE = """<!doctype html><title>Sign up</title><h1>Sign up</h1><p>{}</p>
<form method="post" action="/signup">
<input name="name" placeholder="Name"><input name="email" type="email" placeholder="E-mail" required>
<button>Sign up</button></form>
"""
TAKEN = "ConditionalCheckFailedException"

table = boto3.resource("dynamodb", region_name=SETTINGS["region"]).Table(SETTINGS["table"])
topic = boto3.resource("sns", region_name=SETTINGS["region"]).Topic(SETTINGS["topic"])


def sign_up(person):
    """Put a person into the table, and tell of it; return what to answer."""
    try:
        table.put_item(Item=person, ConditionExpression="attribute_not_exists(email)")
    except ClientError as error:
        if error.response["Error"]["Code"] != TAKEN:
            raise
        return "409 Conflict", "You have signed up before."
    topic.publish(Subject="A sign-up", Message=json.dumps(person))
    return "201 Created", "Thank you."


def asked(environ):
    size = min(int(environ.get("CONTENT_LENGTH") or 0), BODY_BYTES_MAX)
    form = parse_qs(environ["wsgi.input"].read(size).decode())
    return {name: form[name][0] for name in ("email", "name") if form.get(name)}


def application(environ, start_response):
    status, text = "200 OK", f"The theme is {SETTINGS['theme']}."
    if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == "/signup":
        person = asked(environ)
        if person.get("email"):
            status, text = sign_up(person)
        else:
            status, text = "400 Bad Request", "An e-mail address is needed."
    start_response(status, [("Content-Type", "text/html; charset=utf-8")])
    return [PAGE.format(html.escape(text)).encode()]
