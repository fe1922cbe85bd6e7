"""`./dev demo`: a sample application on three instances, made through the public API.

It stays until Ctrl-C, so that another terminal can deploy to it and watch. `--check` plays a whole
life of the environment by itself instead, under requests that may not fail, and leaves nothing.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from jackbean.cli import bundle
from jackbean.cli.cloud import Cloud
from jackbean.cli.demostage import Stage
from jackbean.cli.failures import Failure, Interrupted, explain
from jackbean.cli.outcomes import Goal
from jackbean.cli.platforms import newest
from jackbean.cli.project import Project
from jackbean.cli.screen import Screen
from jackbean.cli.upload import upload
from jackbean.cli.verbs.open import by_address, url
from jackbean.cli.waiting import Awaited, wait
from jackbean.cli.whereabouts import Whereabouts
from jackbean.server.home import Home

APPLICATION, ENVIRONMENT = "beans", "beans-demo"
INSTANCES = 3
FOLDER = Path(".jackbean-demo")
SAMPLES = Path(__file__).parents[3] / "samples" / "python"
TIMEOUT_S = 180.0
ANSWER_S = 30.0
PAUSE_S = 0.02  # of the visitor, between requests
STRAIGHT = 10 * INSTANCES  # so many answers in a row must be of the new version
SETTINGS = (
    ("aws:autoscaling:asg", "MinSize", str(INSTANCES)),
    ("aws:autoscaling:asg", "MaxSize", str(INSTANCES)),
    ("aws:elasticbeanstalk:command", "DeploymentPolicy", "Rolling"),
    ("aws:elasticbeanstalk:command", "BatchSizeType", "Fixed"),
    ("aws:elasticbeanstalk:command", "BatchSize", "1"),
)


@dataclass
class Play:
    """One performance, and how long its parts take."""

    stage: Stage
    screen: Screen
    times: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.screen.say(f"\n== {name}")
        yield
        self.times.append((name, time.monotonic() - began))

    def serve(self) -> Cloud:
        """Bring the server up, and return its services."""
        with self.part("Start the server"):
            serving = self.stage.up()
            identity = Home(self.stage.data).known()
            if identity is None:
                raise AssertionError("who serves has an identity")
            keys = (identity.access_key, identity.secret_key)
            self.screen.say(f"It answers on {serving.url}.")
            return Cloud(Whereabouts(serving.url, identity.region, keys=keys))

    def launch(self, cloud: Cloud) -> Mapping[str, Any]:
        """Make application, version and environment, and return what runs then."""
        with self.part(f"Launch version v1 on {INSTANCES} instances"):
            cloud.beanstalk.create_application(ApplicationName=APPLICATION)
            self._publish(cloud, "v1")
            answer = cloud.beanstalk.create_environment(
                ApplicationName=APPLICATION,
                EnvironmentName=ENVIRONMENT,
                CNAMEPrefix=APPLICATION,
                VersionLabel="v1",
                OptionSettings=[
                    {"Namespace": namespace, "OptionName": option, "Value": value}
                    for namespace, option, value in SETTINGS
                ],
                **newest(cloud, "Python").members(),
            )
            self._await(cloud, Goal.LAUNCH, answer)
        found = cloud.beanstalk.describe_environments(EnvironmentNames=[ENVIRONMENT])
        return dict(found["Environments"][0])

    def deploy(self, cloud: Cloud, environment: Mapping[str, Any]) -> None:
        """Bring version v2, while somebody visits all the time."""
        with self.part("Deploy version v2, one instance at a time"), visited(environment) as visit:
            self._publish(cloud, "v2")
            answer = cloud.beanstalk.update_environment(
                EnvironmentName=ENVIRONMENT, VersionLabel="v2"
            )
            self._await(cloud, Goal.DEPLOY, answer)
        self.screen.say(f"{visit.count} requests meanwhile, {len(visit.failures)} failed.")
        if visit.failures:
            raise Failure(f"Requests failed during the deployment: {visit.failures[0]}")

    def check_answers(self, environment: Mapping[str, Any], version: str) -> None:
        with self.part(f"Every instance answers {version}"):
            seen = answered(environment, version)
            self.screen.say("\n".join(f"{name}: {count} answers" for name, count in seen.items()))

    def terminate(self, cloud: Cloud) -> None:
        with self.part("Terminate the environment"):
            answer = cloud.beanstalk.terminate_environment(EnvironmentName=ENVIRONMENT)
            self._await(cloud, Goal.TERMINATE, answer)

    def down(self) -> None:
        with self.part("jackbean down, and nothing is left running"):
            self.stage.down()

    def _publish(self, cloud: Cloud, version: str) -> None:
        path = self.stage.folder / f"{version}.zip"
        bundle.write_folder(SAMPLES / version, path)
        bucket = cloud.beanstalk.create_storage_location()["S3Bucket"]
        key = f"{APPLICATION}/{version}.zip"
        upload(cloud.s3, path, bucket, key)
        cloud.beanstalk.create_application_version(
            ApplicationName=APPLICATION,
            VersionLabel=version,
            SourceBundle={"S3Bucket": bucket, "S3Key": key},
        )

    def _await(self, cloud: Cloud, goal: Goal, answer: Mapping[str, Any]) -> None:
        request = answer["ResponseMetadata"]["RequestId"]
        awaited = Awaited(
            goal, request, ENVIRONMENT, answer["EnvironmentId"], "v2", timeout_s=TIMEOUT_S
        )
        with self.screen.progress() as progress:
            wait(cloud, awaited, progress)


@dataclass
class Visit:
    """What somebody saw who asked all the time."""

    count: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def visited(environment: Mapping[str, Any]) -> Iterator[Visit]:
    """Ask again and again, as long as the block runs."""
    visit, over = Visit(), threading.Event()

    def go() -> None:
        while not over.wait(PAUSE_S):
            visit.count += 1
            try:
                ask(environment)
            except (OSError, ValueError) as error:
                visit.failures.append(f"{type(error).__name__}: {error}")

    visitor = threading.Thread(target=go)
    visitor.start()
    try:
        yield visit
    finally:
        over.set()
        visitor.join()


def ask(environment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the application says of itself, asked through the load balancer."""
    with urlopen(f"{by_address(environment)}/version", timeout=10) as answer:  # noqa: S310 - ours
        return dict(json.loads(answer.read(4096)))


def answered(environment: Mapping[str, Any], version: str) -> dict[str, int]:
    """Return how often each instance answered, once all do, and only with `version`."""
    deadline = time.monotonic() + ANSWER_S
    seen: dict[str, int] = {}
    while len(seen) < INSTANCES or sum(seen.values()) < STRAIGHT:
        if time.monotonic() > deadline:
            raise Failure(f"Of {INSTANCES} instances these answered with {version}: {seen}.")
        said = ask(environment)
        if said["version"] != version:
            seen = {}
        else:
            name = str(said["instance"])
            seen[name] = seen.get(name, 0) + 1
    return dict(sorted(seen.items()))


def check(play: Play) -> None:
    """Play a whole life, and take the times."""
    cloud = play.serve()
    environment = play.launch(cloud)
    play.check_answers(environment, "v1")
    play.deploy(cloud, environment)
    play.check_answers(environment, "v2")
    play.terminate(cloud)
    play.down()


def show(play: Play) -> None:
    """Bring the application up, say how to go on, and stay until Ctrl-C."""
    cloud = play.serve()
    environment = play.launch(cloud)
    shutil.copytree(SAMPLES / "v1", play.stage.application)
    project = Project(play.stage.application, known=False)
    project.remember(application_name=APPLICATION, default_region=cloud.region)
    project.choose(ENVIRONMENT)
    play.screen.say(invitation(play.stage, environment))
    signal.pause()


def invitation(stage: Stage, environment: Mapping[str, Any]) -> str:
    """Return what to do now, in lines that can be pasted."""
    programs = Path(sys.executable).parent
    data, application = (shlex.quote(str(p.absolute())) for p in (stage.data, stage.application))
    source = shlex.quote(str(SAMPLES / "v2"))
    return f"""
It runs:   {url(environment)}
           {by_address(environment)}   (the same, where the name is not known)

Deploy the next version from another terminal, and reload the page meanwhile:

  cd {application} && eval "$({programs}/jackbean env --data-dir {data})"
  cp -r {source}/. . && {programs}/jb deploy

Then try {programs}/jb status, health, events, logs, scale 5, terminate.
Ctrl-C ends the demo, and takes everything away.
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="play it unattended, then clean up")
    unattended = parser.parse_args(arguments).check
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="jackbean-demo-")) if unattended else FOLDER.absolute()
    play = Play(Stage(folder), Screen())
    try:
        play.stage.clear()
        (check if unattended else show)(play)
    except (KeyboardInterrupt, Interrupted):
        play.screen.say("\nEnding." if not unattended else "\nInterrupted.")
        return _leave(play, 1 if unattended else 0)
    except Exception as error:
        return _failed(play, error)
    _report(play)
    return _leave(play, 0)


def _failed(play: Play, error: Exception) -> int:
    failure = error if isinstance(error, Failure) else explain(error, None)
    play.screen.note("\n".join(play.stage.tails()))
    play.screen.note(f"\nThe demo failed: {failure.message}")
    return _leave(play, 1)


def _leave(play: Play, status: int) -> int:
    """Clean up, and return the exit code: what cannot be cleaned up is a failure, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        play.stage.down()
    except Exception as error:
        play.screen.note(f"Cleaning up failed: {error}")
        return 1
    finally:
        play.stage.remove()
    return status


def _report(play: Play) -> None:
    play.screen.say("\nAll is well.")
    width = max(len(name) for name, _ in play.times)
    for name, seconds in (*play.times, ("Total", sum(s for _, s in play.times))):
        play.screen.say(f"  {name:<{width}}  {seconds:6.1f} s")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
