"""Worker environments for tests: an application that does what messages say, and their ledger."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from jackbean.cli.cloud import Cloud
from jackbean.cli.whereabouts import Whereabouts
from tests.e2e.installation import ASG, Installation, bundle, option, until

SQSD = "aws:elasticbeanstalk:sqsd"
SCALING = "jackbean:scaling"
HIDDEN_S = 600  # for so long nobody else gets a message that was abandoned
TIER = {"Name": "Worker", "Type": "SQS/HTTP"}

# A message is {"seconds": how long it takes, "status": what it is answered with}.
APPLICATION = """
import json, time
VERSION = "%s"
def application(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    wanted = json.loads(environ["wsgi.input"].read(size) or b"{}")
    time.sleep(wanted.get("seconds", 0))
    start_response(str(wanted.get("status", 200)) + " Told", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
"""


def worker(version: str) -> bytes:
    """Return the bundle of a small worker."""
    return bundle({"application.py": APPLICATION % version})


class Jobs:
    """A worker environment and its queues."""

    def __init__(self, installation: Installation, name: str) -> None:
        self.installation = installation
        self.name = name
        self.sent: list[str] = []

    def version(self, name: str) -> str:
        """Make a version of the small worker, and return its label."""
        return self.installation.version(f"{self.name}-{name}", worker(name))

    def create(self, *settings: dict[str, str]) -> dict[str, Any]:
        """Create the environment, on its first version, and return its description at rest."""
        eb = self.installation.client()
        eb.create_environment(
            ApplicationName=self.installation.application,
            EnvironmentName=self.name,
            VersionLabel=self.version("first"),
            SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
            Tier=TIER,
            OptionSettings=[option(SQSD, "VisibilityTimeout", str(HIDDEN_S)), *settings],
        )
        return self.installation.rest(self.name)

    def queues(self) -> dict[str, str]:
        found = self.installation.client().describe_environment_resources(EnvironmentName=self.name)
        return {q["Name"]: q["URL"] for q in found["EnvironmentResources"]["Queues"]}

    @property
    def url(self) -> str:
        return self.queues()["WorkerQueue"]

    def send(self, *wanted: dict[str, Any]) -> None:
        """Send messages, ten at a time."""
        sqs, url = self.installation.client("sqs"), self.url
        bodies = [json.dumps(one) for one in wanted]
        with ThreadPoolExecutor(4) as pool:
            for ids in pool.map(lambda part: _sent(sqs, url, part), _tens(bodies)):
                self.sent += ids

    def counts(self, queue: str = "WorkerQueue") -> tuple[int, int]:
        """Return how many messages wait, and how many somebody holds."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.installation.client("sqs").get_queue_attributes(
            QueueUrl=self.queues()[queue], AttributeNames=names
        )["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def spent(self, seconds: float) -> None:
        """Return once no message is left. Fails after `seconds`: somebody abandoned one."""
        until(lambda: self.counts() == (0, 0), seconds, f"the queue is empty: {self.counts()}")

    def ledger(self) -> list[dict[str, Any]]:
        """Return the messages that the ledger has, with all their attempts."""
        one = self.installation
        keys = (one.env["AWS_ACCESS_KEY_ID"], one.env["AWS_SECRET_ACCESS_KEY"])
        cloud = Cloud(Whereabouts(f"http://127.0.0.1:{one.port}", "us-east-1", keys=keys))
        found = cloud.extension("DescribeMessages", EnvironmentName=self.name, MaxRecords=1000)
        return list(found["Messages"])

    def instances(self) -> set[str]:
        return self.installation.instances(self.name)

    def scale(self, count: int) -> None:
        """Ask for so many instances, and wait until there are."""
        sizes = [option(ASG, name, str(count)) for name in ("MinSize", "MaxSize")]
        self.installation.begin(self.name, OptionSettings=sizes)
        self.installation.rest(self.name)
        assert len(self.instances()) == count


class Load:
    """Somebody who sends messages all the time, for as long as the block lasts."""

    def __init__(self, jobs: Jobs, wanted: dict[str, Any], pause_s: float = 0.1) -> None:
        self._jobs, self._wanted, self._pause_s = jobs, wanted, pause_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _send(self) -> None:
        sqs, url = self._jobs.installation.client("sqs"), self._jobs.url
        body = json.dumps(self._wanted)
        try:
            while not self._over.wait(self._pause_s):
                self._jobs.sent += _sent(sqs, url, [body] * 5)
        except BaseException as error:  # told by whoever waits for it
            self._failure = error


def _sent(sqs: Any, url: str, bodies: Sequence[str]) -> list[str]:
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert not answer.get("Failed"), answer
    return [one["MessageId"] for one in answer["Successful"]]


def _tens(bodies: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(bodies), 10):
        yield bodies[first : first + 10]
