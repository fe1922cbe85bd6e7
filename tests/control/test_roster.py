"""What instances are told: which release, made of what, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.control.rig import PROPERTIES, Rig
from tests.control.scenes import INSTALLATION, environment, release

from jackbean.control.logs.requests import LogRequests
from jackbean.control.manifests import compile_manifest, concerns_instances, for_newcomer
from jackbean.control.roster import Roster
from jackbean.core.environments import Resource, Tier
from jackbean.core.errors import Fault
from jackbean.core.fleet import Service, Work
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.platforms.catalogue import Catalogue
from jackbean.core.protocol import Manifest, Order, Worker, from_json
from jackbean.ports.store import PutEnvironment
from jackbean.simulator.universe import BRANCH

SAMPLE = "0" * 64
WORKER = Tier("Worker", "SQS/HTTP")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def roster(rig: Rig) -> Roster:
    return Roster(rig.world, LogRequests(rig.world))


def order(rig: Rig, roster: Roster, instance: str = "") -> tuple[Order, Manifest]:
    told = rig.run(roster.order(instance or rig.environment().members[0].id))
    assert told.manifest is not None
    return told, from_json(Manifest, told.manifest)


def launch(rig: Rig, **wanted: object) -> None:
    rig.create(**wanted)
    rig.until(lambda: len(rig.environment().members) == 2)


def test_who_belongs_where(rig: Rig, roster: Roster) -> None:
    made = rig.running()
    for member in made.members:
        home = rig.run(roster.home(member.id))
        assert home is not None
        assert (home[0].id, home[1].id) == (made.id, member.id)
    assert rig.run(roster.home("i-stranger")) is None
    rig.terminate()
    rig.settle(made.id)
    assert rig.run(roster.home(made.members[0].id)) is None


def test_a_stranger_has_nothing_to_do_and_nothing_to_fetch(rig: Rig, roster: Roster) -> None:
    assert rig.run(roster.order("i-stranger")) == Order()
    assert rig.run(roster.bundle("i-stranger")) == frozenset()


def test_who_was_told_nothing_has_nothing_to_do(rig: Rig, roster: Roster) -> None:
    made = rig.running()
    idle = replace(made.members[0], assignment=None)
    rig.run(rig.world.store.commit([PutEnvironment(replace(made, members=(idle,)))]))
    assert rig.run(roster.order(idle.id)) == Order()
    assert rig.run(roster.bundle(idle.id)) == frozenset()


def test_instances_of_a_worker_are_told_of_their_queue_and_whether_to_ask_it(
    rig: Rig, roster: Roster
) -> None:
    made = rig.running(tier=WORKER)
    told, manifest = order(rig, roster)
    assert manifest.worker is not None
    worker = from_json(Worker, manifest.worker)
    assert (worker.http_path, worker.http_connections) == ("/", 50)
    assert told.polling
    gone = made.members[0].move(Service.DRAINING, 0.0)
    rig.run(rig.world.store.commit([PutEnvironment(replace(made, members=(gone,)))]))
    assert not order(rig, roster)[0].polling


def test_a_newcomer_gets_its_release_whole(rig: Rig, roster: Roster) -> None:
    version = rig.version("v3", {"application.py": ""})
    launch(rig, label="v3")
    told, manifest = order(rig, roster)
    assert (told.serial, told.work, told.leader) == (1, Work.ACTIVATE, True)
    assert (manifest.release, manifest.version_label, manifest.digest) == (1, "v3", version.digest)
    assert (manifest.platform, manifest.platform_version) == ("python", "3.11")
    assert manifest.hooks == "hooks"
    instance = rig.environment().members[0].id
    assert rig.run(roster.bundle(instance)) == {version.digest}


def test_without_a_version_it_is_the_sample(rig: Rig, roster: Roster) -> None:
    launch(rig)
    assert order(rig, roster)[1].digest == SAMPLE


def test_a_platform_needs_no_sample_for_those_with_a_version(rig: Rig, roster: Roster) -> None:
    rig.version("v3", {"application.py": ""})
    launch(rig, label="v3")
    rig.world.platforms._samples.clear()
    assert order(rig, roster)[1].version_label == "v3"


def configure(rig: Rig) -> None:
    rig.update(settings=(Setting(PROPERTIES, "COLOUR", "red"),))
    rig.until(lambda: serial(rig, rig.environment().members[0].id) == 2)


def serial(rig: Rig, instance: str) -> int:
    """Return the number of an instance's last assignment."""
    member = next(m for m in rig.environment().members if m.id == instance)
    return member.assignment.serial if member.assignment else 0


def test_an_instance_that_is_reconfigured_runs_other_hooks(rig: Rig, roster: Roster) -> None:
    rig.running()
    configure(rig)
    told, manifest = order(rig, roster)
    assert (told.work, manifest.release, manifest.hooks) == (Work.STAGE, 2, "confighooks")
    assert manifest.environment["COLOUR"] == "red"


def test_a_newcomer_after_it_runs_those_of_a_deployment(rig: Rig, roster: Roster) -> None:
    """It has not been deployed to before, so there is nothing to reconfigure."""
    rig.running()
    configure(rig)
    rig.settle()
    rig.universe.engine.kill(rig.environment().members[0].id)
    rig.step(60)
    newcomer = rig.environment().members[-1]
    told, manifest = order(rig, roster, newcomer.id)
    assert (told.serial, manifest.release, manifest.hooks) == (1, 2, "hooks")


def test_and_so_does_one_that_runs_another_version(rig: Rig, roster: Roster) -> None:
    """A failed deployment leaves a mixed fleet; settings alone then bring a version, too."""
    rig.version("v3", {"application.py": "3"})
    rig.version("v4", {"application.py": "4"})
    rig.running(label="v3")
    mixed, other = (m.id for m in rig.environment().members)
    rig.update(label="v4")
    nodes = rig.universe.engine.nodes
    rig.until(lambda: nodes[mixed].running == 2)
    bad = replace(rig.universe.engine.behaviour, fails_staging=frozenset({2}))
    rig.universe.engine.behaviour = bad
    rig.settle()
    rig.step(5)
    assert [node.running for node in nodes.values()] == [2, 1]
    rig.update(settings=(Setting(PROPERTIES, "A", "b"),))
    hooks, told = set(), {mixed: serial(rig, mixed), other: serial(rig, other)}
    while rig.environment().operation:
        rig.step()
        for instance in (mixed, other):
            if serial(rig, instance) == told[instance] + 1:  # has just been told to stage it
                told[instance] = 0
                hooks.add((instance, order(rig, roster, instance)[1].hooks))
    assert hooks == {(mixed, "hooks"), (other, "confighooks")}


def test_logs_that_are_wanted_come_with_the_order(rig: Rig) -> None:
    rig.running()
    logs = LogRequests(rig.world)
    rig.run(logs.begin(rig.environment(), "tail", "r"))
    told, _ = order(rig, Roster(rig.world, logs))
    assert list(told.logs.values()) == ["tail"]


# Manifests

WORKER_SETTINGS = (
    Setting("aws:elasticbeanstalk:sqsd", "HttpPath", "/jobs"),
    Setting("aws:elasticbeanstalk:sqsd", "RetentionPeriod", "60"),
    Setting("aws:elasticbeanstalk:sqsd", "InactivityTimeout", "30"),
)


FUNCTION = """`{"Fn::Join": ["/", ["http://sqs/1", {"Ref": "AWSEBWorkerQueue"}]]}`"""


def worker(*settings: Setting) -> Worker:
    queue = Resource("AWSEBWorkerQueue", "AWS::SQS::Queue", "awseb-e-x-queue")
    record = environment(tier=WORKER, resources=(queue,))
    platform = Catalogue("us-east-1", [BRANCH]).find(BRANCH)
    cut = release(2, *WORKER_SETTINGS, *settings)
    made = compile_manifest(INSTALLATION, record, cut, platform, "d" * 64)
    assert made.worker is not None
    return from_json(Worker, made.worker)


def test_a_worker_asks_the_queue_that_was_made_for_it() -> None:
    assert worker() == Worker(
        queue_url="http://localhost/123456789012/awseb-e-x-queue",
        queue_name="awseb-e-x-queue",
        http_path="/jobs",
        inactivity_timeout_s=30,
        retention_period_s=60,
    )


def test_or_one_that_somebody_chose() -> None:
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/mine.fifo"
    made = worker(Setting("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", url))
    assert (made.queue_url, made.queue_name) == (url, "mine.fifo")


def test_or_one_that_a_function_names() -> None:
    """As a bundle does that makes a queue of its own."""
    made = worker(Setting("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", FUNCTION))
    assert made.queue_name == "awseb-e-x-queue"


def test_others_have_no_queue() -> None:
    assert manifest(*WORKER_SETTINGS).worker is None


def manifest(*settings: Setting, **facts: object) -> Manifest:
    platform = Catalogue("us-east-1", [BRANCH]).find(BRANCH)
    cut = release(2, *settings, **facts)
    return compile_manifest(INSTALLATION, environment(), cut, platform, "d" * 64)


def test_a_manifest_has_all_that_an_instance_needs() -> None:
    made = manifest(
        Setting(PROPERTIES, "A", "b"),
        Setting("aws:elasticbeanstalk:environment:proxy", "ProxyServer", "none"),
        Setting("aws:elasticbeanstalk:command", "Timeout", "90"),
        Setting("jackbean:deployment", "DrainTimeout", "7"),
    )
    assert (made.environment_name, made.application_name) == ("web1", "app")
    assert (made.region, made.account) == ("us-east-1", "123456789012")
    assert made.environment["A"] == "b"
    assert made.options["aws:elasticbeanstalk:environment:proxy"]["ProxyServer"] == "none"
    assert (made.timeout_s, made.drain_s) == (90, 7)
    assert PROPERTIES not in made.options
    assert not any(namespace.startswith("aws:autoscaling") for namespace in made.options)
    assert made.hooks == "hooks"


def test_hooks_follow_what_changed() -> None:
    made = manifest(configuration_only=True)
    assert made.hooks == "confighooks"
    assert for_newcomer(made) == replace(made, hooks="hooks")


@pytest.mark.parametrize(
    ("setting", "concerned"),
    [
        (Setting(PROPERTIES, "A", "b"), True),
        (Setting("aws:elasticbeanstalk:container:python", "WSGIPath", "x"), True),
        (Setting("aws:elasticbeanstalk:environment:proxy:staticfiles", "/a", "b"), True),
        (Setting("aws:elasticbeanstalk:xray", "XRayEnabled", "true"), True),
        (Setting("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs", "true"), True),
        (Setting("aws:autoscaling:asg", "MinSize", "2"), False),
        (Setting("aws:elasticbeanstalk:command", "BatchSize", "2"), False),
        (Setting("aws:elasticbeanstalk:environment", "ServiceRole", "x"), False),
    ],
)
def test_what_concerns_instances(setting: Setting, concerned: bool) -> None:
    assert concerns_instances(Settings(), Settings([setting])) is concerned
    assert concerns_instances(Settings([setting]), Settings()) is concerned
    assert not concerns_instances(Settings([setting]), Settings([setting]))


def test_platforms_of_environments_and_of_releases(rig: Rig) -> None:
    platforms = rig.world.platforms
    newest = platforms.catalogue.find(BRANCH)
    older = platforms.catalogue.platform_versions()
    other = next(v for v in older if v.branch == newest.branch and v.arn != newest.arn)
    record = environment(platform_arn=newest.arn)
    assert platforms.of(record) == newest
    assert platforms.of(record, release(2, platform_arn=other.arn)) == other
    assert platforms.of(record, replace(release(2), platform_arn="")) == newest
    assert platforms.sample(newest) == SAMPLE
    platforms._samples.clear()
    with pytest.raises(Fault, match="no sample application for Python"):
        platforms.sample(newest)
