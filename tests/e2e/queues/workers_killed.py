"""Messages to a worker while whoever handles them is killed: daemon, agent and control plane.

The application notes every message that it is given in a file, before it answers: what was
acknowledged to the sender has to be in there, whatever happened.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.installation import ASG, Installation, bundle, option, until

SQSD = "aws:elasticbeanstalk:sqsd"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
NAME = "killed-worker"
BATCH = 10
BAD = "bad"  # what begins so is never answered with 200
RETRIES = 3
VISIBILITY_S = 5
HIDDEN_S = 3600  # dead letters that were counted
LOST = (BotoCoreError, ClientError)
APPLICATION = """
import os
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    line = f"{environ.get('HTTP_X_AWS_SQSD_MSGID', '')} {body}\\n".encode()
    file = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, line)
    os.close(file)
    start_response("500 Bad" if body.startswith("bad") else "200 OK", [])
    return [b""]
"""


@dataclass
class Played:
    """What happened: ids of messages by their bodies, and how often the application saw each."""

    sent: dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def bad(self) -> set[str]:
        return {id_ for id_, body in self.sent.items() if body.startswith(BAD)}


class Play:
    """`count` messages to a worker of `size` instances, one in `one_in` of which is bad."""

    def __init__(self, one: Installation, folder: Path, count: int, one_in: int) -> None:
        self.one, self.count, self.one_in = one, count, one_in
        self.file = folder / "seen"
        self.played = Played()
        self._over = Event()

    def launch(self, size: int) -> None:
        self.one.version("worker", bundle({"application.py": APPLICATION}))
        eb = self.one.client()
        settings = {
            (SQSD, "VisibilityTimeout"): VISIBILITY_S,
            (SQSD, "ErrorVisibilityTimeout"): 0,
            (SQSD, "InactivityTimeout"): VISIBILITY_S - 1,
            (SQSD, "MaxRetries"): RETRIES,
            (ASG, "MinSize"): size,
            (ASG, "MaxSize"): size,
            (PROPERTIES, "SEEN"): self.file,
        }
        eb.create_environment(
            ApplicationName=self.one.application,
            EnvironmentName=NAME,
            VersionLabel="worker",
            SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
            Tier={"Name": "Worker", "Type": "SQS/HTTP"},
            OptionSettings=[option(*key, str(value)) for key, value in settings.items()],
        )
        self.one.rest(NAME)

    def queues(self) -> dict[str, str]:
        found = self.one.client().describe_environment_resources(EnvironmentName=NAME)
        return {q["Name"]: q["URL"] for q in found["EnvironmentResources"]["Queues"]}

    def run(self, kills: int, pause_s: float, patience_s: float) -> Played:
        """Send and kill; return when the queue is empty."""
        began = time.monotonic()
        url = self.queues()["WorkerQueue"]
        sender = Thread(target=self._send, args=(url,))
        sender.start()
        chance = random.Random(kills)
        for number in range(kills):
            time.sleep(chance.uniform(0.2, 1.0) * pause_s)  # a random moment
            self._kill(("daemon", "agent", "control plane")[number % 3], chance)
        sender.join()
        until(lambda: self.left(url) == 0, patience_s, "the queue is empty")
        self.played.seconds = time.monotonic() - began
        for line in self.file.read_text().splitlines():
            self.played.seen[line.partition(" ")[0]] += 1
        return self.played

    def left(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        try:
            found = self.one.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        except LOST:
            return -1
        return sum(int(found["Attributes"][name]) for name in names)

    def dead(self) -> dict[str, str]:
        """Return the bodies of all dead letters by their ids. Raises where one comes twice."""
        sqs, url = self.one.client("sqs"), self.queues()["WorkerDeadLetterQueue"]
        found: dict[str, str] = {}
        while True:
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=BATCH, VisibilityTimeout=HIDDEN_S
            )
            for message in answer.get("Messages", ()):
                assert message["MessageId"] not in found, message
                found[message["MessageId"]] = message["Body"]
            if not answer.get("Messages"):
                return found

    def _kill(self, victim: str, chance: random.Random) -> None:
        self.played.kills[victim] += 1
        if victim == "control plane":
            self.one.kill()
            self.one.start()
            return
        mark = b"sqsd\0" if victim == "daemon" else b"agent.json\0"
        pids = _processes(self.one.data_dir, mark)
        if pids:
            os.kill(chance.choice(pids), signal.SIGKILL)

    def _send(self, url: str) -> None:
        sqs: Any = self.one.client("sqs")
        for first in range(0, self.count, BATCH):
            bodies = [
                f"{BAD if n % self.one_in == 0 else 'good'}-{n}"
                for n in range(first, first + BATCH)
            ]
            self._send_batch(sqs, url, bodies)

    def _send_batch(self, sqs: Any, url: str, bodies: list[str]) -> None:
        """Send until it is acknowledged: what was sent twice counts as two messages."""
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        while True:
            try:
                answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
            except LOST:
                self._over.wait(0.1)
                continue
            for sent in answer["Successful"]:
                self.played.sent[sent["MessageId"]] = bodies[int(sent["Id"])]
            return


def _processes(data_dir: Path, mark: bytes) -> list[int]:
    """Return what runs of an installation, the command line of which has this mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in line and os.fsencode(data_dir) in line:
                found.append(int(entry.name))
    return found
