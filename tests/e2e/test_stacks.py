"""A bundle that brings a topic, a queue subscribed to it, and a file that knows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation, bundle, installed, option, until

CONFIG = """
Resources:
  Jobs: {Type: "AWS::SQS::Queue", Properties: {VisibilityTimeout: 30}}
  News: {Type: "AWS::SNS::Topic"}
  Heard:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: {Ref: News}
      Protocol: sqs
      Endpoint: {"Fn::GetAtt": [Jobs, Arn]}
      RawMessageDelivery: true
  Allowed:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [{Ref: Jobs}]
      PolicyDocument:
        Statement:
          - Effect: Allow
            Principal: "*"
            Action: sqs:SendMessage
            Resource: {"Fn::GetAtt": [Jobs, Arn]}
            Condition: {ArnEquals: {"aws:SourceArn": {Ref: News}}}
  Files: {Type: "AWS::S3::Bucket", DeletionPolicy: Retain}
files:
  /var/app/settings.json:
    mode: "000644"
    content: |
      {"queue": "`{"Ref": "Jobs"}`", "topic": "`{"Ref": "News"}`", "bucket": "`{"Ref": "Files"}`"}
option_settings:
  aws:elasticbeanstalk:application:environment:
    COLOUR: '`{"Fn::GetAtt": ["Jobs", "QueueName"]}`'
"""
# Answers with what the file says, and with what the queue's address answers to a stranger.
READING = """
import json, os, urllib.error, urllib.request
def application(environ, start_response):
    told = json.load(open("/var/app/settings.json"))
    try:
        urllib.request.urlopen(told["queue"], timeout=5)
    except urllib.error.HTTPError as error:
        told["status"] = error.code
    told["colour"] = os.environ["COLOUR"]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]
"""
SINGLE = option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
NAME = "stacked"
pytestmark = pytest.mark.e2e


def bringing(config: str) -> bytes:
    return bundle({"application.py": READING, ".ebextensions/stack.config": config})


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


def test_the_life_of_a_stack(one: Installation, tmp_path: Path) -> None:
    one.version("first", bringing(CONFIG))
    environment = one.create(NAME, "first", SINGLE)
    told = json.loads(one.get(environment))
    assert told["status"] in {400, 403}  # it was reached, and wants a signature
    assert told["queue"].endswith("/" + told["colour"])
    heard(one, told)
    exported(one, tmp_path)
    one.kill()
    one.start()
    changes(one, told)
    one.client("s3").put_object(Bucket=told["bucket"], Key="kept", Body=b"data")
    one.terminate(NAME)
    assert one.client("sqs").list_queues().get("QueueUrls", []) == []
    assert one.client("sns").list_topics()["Topics"] == []
    assert one.client("s3").get_object(Bucket=told["bucket"], Key="kept")["Body"].read() == b"data"


def heard(one: Installation, told: dict[str, Any]) -> None:
    """Assert that what is told to the topic comes to the queue."""
    one.client("sns").publish(TopicArn=told["topic"], Message="a sign-up")
    sqs, queue = one.client("sqs"), told["queue"]

    def received() -> list[Any]:
        return list(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []))

    (message,) = until(received, 20, "the message comes")
    assert message["Body"] == "a sign-up"


def exported(one: Installation, folder: Path) -> None:
    """Assert that it can be written down for AWS."""
    argv = [sys.executable, "-m", "jackbean.cli.jb", "export", NAME, "--to", str(folder)]
    env = {**os.environ, **one.env}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / "bundle.zip") as packed:
        assert packed.read(".ebextensions/stack.config").decode() == CONFIG
    beanstalk, expanded = (
        json.loads((folder / f"{name}.template.json").read_text())
        for name in ("environment", "expanded")
    )
    settings = beanstalk["Resources"]["Environment"]["Properties"]["OptionSettings"]
    assert ("EnvironmentType", "SingleInstance") in {
        (s["OptionName"], s["Value"]) for s in settings
    }
    assert expanded["Resources"]["Jobs"]["Type"] == "AWS::SQS::Queue"


def changes(one: Installation, told: dict[str, Any]) -> None:
    """Assert that a change in place is made, and one that fails is undone."""
    sqs, queue = one.client("sqs"), told["queue"]

    def visibility() -> str:
        wanted = ["VisibilityTimeout"]
        return str(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=wanted)["Attributes"])

    one.version(
        "second", bringing(CONFIG.replace("VisibilityTimeout: 30", "VisibilityTimeout: 31"))
    )
    one.deploy(NAME, "second")
    assert "31" in visibility()
    bad = CONFIG.replace("VisibilityTimeout: 30", "VisibilityTimeout: 99999")
    one.version("third", bringing(bad))
    request = one.begin(NAME, VersionLabel="third")
    one.rest(NAME)
    events = one.events(NAME, request)
    assert any(e.startswith("ERROR Updating SQS queue named: ") for e in events), events
    assert "ERROR Failed to deploy application." in events
    assert "31" in visibility()
    assert len(one.client("s3").list_buckets()["Buckets"]) == 2  # Elastic Beanstalk's and ours
