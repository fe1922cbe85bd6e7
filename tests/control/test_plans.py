"""Which change leads to which phases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.scenes import ARN, NOW, environment, release
from tests.core.fleets import NEW, OLD, many

from jackbean.control.plans import ANSWER_S, Plan, launch_plan, update_plan
from jackbean.core.operations import Abort, Provision, Roll, Settle
from jackbean.core.options.settings import Setting
from jackbean.core.rollouts import AILING_S, Rollout, Stage

ASG = "aws:autoscaling:asg"
DEPLOYMENT = "jackbean:deployment"
COMMAND = "aws:elasticbeanstalk:command"
LAUNCH = "aws:autoscaling:launchconfiguration"
UPDATES = "aws:autoscaling:updatepolicy:rollingupdate"
PROPERTY = Setting("aws:elasticbeanstalk:application:environment", "COLOUR", "red")
APPLICATION = Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
SINGLE = Setting("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
THREE = (Setting(ASG, "MinSize", "3"), Setting(ASG, "MaxSize", "6"))
LARGE = Setting(LAUNCH, "InstanceType", "t3.large")


def plan(*changes: Setting, base: tuple[Setting, ...] = THREE, label: str = "v1") -> Plan:
    """Return the plan from `base` to `base` with `changes`, of three instances."""
    old = release(OLD, *base)
    new = release(NEW, *base, *changes, version_label=label, configuration_only=label == "v1")
    return update_plan(environment(many(3), template=old.fingerprint), old, new, NOW)


def deploy(*changes: Setting, base: tuple[Setting, ...] = THREE) -> Plan:
    return plan(*changes, base=base, label="v2")


def rolled(made: Plan) -> Rollout:
    provision, roll = made.phases
    assert provision == Provision(NEW)
    assert isinstance(roll, Roll)
    return roll.rollout


def test_a_launch_has_all_at_once_and_no_way_back() -> None:
    made = launch_plan(release(1, *THREE, Setting(COMMAND, "Timeout", "100")), NOW)
    provision, roll = made.phases
    assert provision == Provision(1)
    assert isinstance(roll, Roll)
    assert roll.rollout.policy == "AllAtOnce"
    assert (roll.rollout.previous, roll.rollout.size, roll.rollout.since) == (None, 3, NOW)
    assert roll.rollout.timeout_s == 100 + ANSWER_S
    assert not roll.rollout.reverts
    assert made.abort is None


def test_a_new_version_is_deployed_by_the_policy() -> None:
    made = deploy(
        Setting(COMMAND, "DeploymentPolicy", "Rolling"),
        Setting(COMMAND, "BatchSize", "30"),
        Setting(COMMAND, "Timeout", "100"),
        Setting(COMMAND, "IgnoreHealthCheck", "true"),
    )
    found = rolled(made)
    assert (found.policy, found.goal, found.previous) == ("Rolling", NEW, OLD)
    assert (found.size, found.batch_size) == (3, 1)
    assert (found.timeout_s, found.ignore_health) == (100 + ANSWER_S, True)
    assert found.template == found.previous_template
    assert found.stage is Stage.ADVANCING
    assert (made.abort, made.warnings) == (Abort.STOP, ())


@pytest.mark.parametrize(
    ("policy", "abort", "reverts"),
    [
        ("AllAtOnce", Abort.STOP, False),
        ("Rolling", Abort.STOP, False),
        ("RollingWithAdditionalBatch", Abort.STOP, False),
        ("Immutable", Abort.REVERT, True),
        ("TrafficSplitting", Abort.REVERT, True),
    ],
)
def test_what_giving_up_means(policy: str, abort: Abort, reverts: bool) -> None:
    made = deploy(Setting(COMMAND, "DeploymentPolicy", policy), base=(*THREE, APPLICATION))
    assert rolled(made).policy == policy
    assert (made.abort, rolled(made).reverts) == (abort, reverts)


def test_a_canary_may_be_unwell_for_as_long_as_its_gate_takes() -> None:
    split = (*THREE, APPLICATION, Setting(COMMAND, "DeploymentPolicy", "TrafficSplitting"))
    assert rolled(deploy(base=split)).ailing_s_max < AILING_S + 2
    gate = (
        Setting(DEPLOYMENT, "HealthCheckCount", "12"),
        Setting(DEPLOYMENT, "HealthCheckInterval", "10000"),
    )
    assert rolled(deploy(base=(*split, *gate))).ailing_s_max == AILING_S + 120


def test_properties_alone_are_a_configuration_deployment_that_goes_back() -> None:
    made = plan(PROPERTY)
    assert rolled(made).policy == "AllAtOnce"
    assert (made.abort, rolled(made).reverts) == (Abort.REVERT, True)


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_properties_alone_reach_the_instances_that_there_are(policy: str) -> None:
    chosen = (Setting(COMMAND, "DeploymentPolicy", policy), Setting(COMMAND, "BatchSize", "30"))
    parking = Setting(DEPLOYMENT, "ParkingTime", "5")
    made = plan(PROPERTY, base=(*THREE, APPLICATION, *chosen, parking))
    found = rolled(made)
    assert (found.policy, found.batch_size) == ("RollingWithAdditionalBatch", 1)
    assert (made.abort, found.reverts, found.leads) == (Abort.REVERT, True, False)
    assert (found.trial, found.park_s) == (None, 0.0)


def test_capacity_alone_settles() -> None:
    made = plan(Setting(ASG, "MaxSize", "9"), Setting(COMMAND, "Timeout", "100"))
    assert made.phases == (Provision(NEW), Settle(NOW, 100.0))
    assert made.abort is None


def test_what_concerns_nobody_is_provisioned_alone() -> None:
    made = plan(Setting(COMMAND, "DeploymentPolicy", "Rolling"))
    assert made.phases == (Provision(NEW),)
    assert plan().phases == (Provision(NEW),)


def test_batches_are_of_as_many_instances_as_there_will_be() -> None:
    ten = (Setting(ASG, "MinSize", "10"), Setting(ASG, "MaxSize", "10"))
    percentage = (
        Setting(COMMAND, "DeploymentPolicy", "Rolling"),
        Setting(COMMAND, "BatchSize", "30"),
    )
    found = rolled(deploy(*ten, *percentage))
    assert (found.size, found.batch_size) == (10, 3)
    enabled = Setting(UPDATES, "RollingUpdateEnabled", "true")
    found = rolled(plan(LARGE, enabled, *ten))
    assert (found.size, found.batch_size, found.floor, found.surge) == (10, 4, 9, 0)


@pytest.mark.parametrize("label", ["v1", "v2"])
def test_another_launch_template_replaces_instances_whatever_else_changes(label: str) -> None:
    made = plan(LARGE, PROPERTY, Setting(ASG, "MaxSize", "9"), label=label)
    found = rolled(made)
    assert found.policy == "Replacement"
    assert found.template != found.previous_template
    assert (made.abort, found.reverts, found.previous) == (Abort.REVERT, True, OLD)


def test_another_platform_replaces_instances() -> None:
    old, new = release(OLD), release(NEW, platform_arn=ARN + "1", configuration_only=True)
    made = update_plan(environment(many(3), template=old.fingerprint), old, new, NOW)
    assert rolled(made).policy == "Replacement"


def test_what_left_a_fleet_on_another_template_is_made_good() -> None:
    old, new = release(OLD), release(NEW, configuration_only=True)
    made = update_plan(environment(many(3), template="of a failed update"), old, new, NOW)
    assert rolled(made).policy == "Replacement"


ON = Setting(UPDATES, "RollingUpdateEnabled", "true")
BATCHES = {
    "all at once unless it is switched on": ((), (3, 0, 0)),
    "switched on, as many as may be away": (
        (ON, Setting(UPDATES, "MaxBatchSize", "2"), Setting(UPDATES, "MinInstancesInService", "0")),
        (2, 0, 0),
    ),
    "some must stay: others come first, as there is room": (
        (ON, Setting(UPDATES, "MaxBatchSize", "3"), Setting(UPDATES, "MinInstancesInService", "2")),
        (3, 2, 2),
    ),
    "all must stay": (
        (ON, Setting(UPDATES, "MaxBatchSize", "1"), Setting(UPDATES, "MinInstancesInService", "3")),
        (1, 1, 3),
    ),
    "a third, and as many stay as there must be": ((ON,), (1, 1, 3)),
}


@pytest.mark.parametrize(("settings", "pace"), BATCHES.values(), ids=BATCHES.keys())
def test_how_many_are_replaced_at_a_time(
    settings: tuple[Setting, ...], pace: tuple[int, int, int]
) -> None:
    found = rolled(plan(LARGE, base=(*THREE, *settings)))
    assert (found.batch_size, found.surge, found.floor) == pace


def test_what_is_waited_for_between_batches() -> None:
    by_time = Setting(UPDATES, "PauseTime", "PT1M30S")
    by_health = Setting(UPDATES, "RollingUpdateType", "Health")
    assert rolled(plan(LARGE, base=(*THREE, ON, by_time))).pause_s == 90
    assert rolled(plan(LARGE, base=(*THREE, ON, by_time, by_health))).pause_s is None


def test_replacements_heed_health_as_deployments_do() -> None:
    settings = (
        ON,
        Setting(UPDATES, "RollingUpdateType", "Health"),
        Setting(UPDATES, "Timeout", "PT20M"),
        Setting(COMMAND, "IgnoreHealthCheck", "true"),
    )
    found = rolled(plan(LARGE, base=(*THREE, *settings)))
    assert (found.timeout_s, found.ignore_health) == (1200, True)
    longer = rolled(plan(LARGE, base=(*THREE, *settings, Setting(COMMAND, "Timeout", "3600"))))
    assert longer.timeout_s == 3600 + ANSWER_S


def test_a_pause_takes_nothing_of_the_time_to_be_well() -> None:
    paused = (ON, Setting(UPDATES, "PauseTime", "PT1H"))
    assert rolled(plan(LARGE, base=(*THREE, *paused))).timeout_s == 3600 + 600 + ANSWER_S


def test_a_full_new_set_has_the_time_of_a_deployment() -> None:
    immutable = Setting(UPDATES, "RollingUpdateType", "Immutable")
    made = plan(LARGE, base=(*THREE, immutable, Setting(COMMAND, "Timeout", "100")))
    assert rolled(made).timeout_s == 100 + ANSWER_S


def test_an_immutable_update_needs_no_switching_on() -> None:
    made = plan(LARGE, base=(*THREE, Setting(UPDATES, "RollingUpdateType", "Immutable")))
    assert rolled(made).policy == "Immutable"


@pytest.mark.parametrize(("policy", "base"), [("Rolling", (SINGLE,)), ("TrafficSplitting", THREE)])
def test_a_policy_that_cannot_be_had_is_replaced_and_told(
    policy: str, base: tuple[Setting, ...]
) -> None:
    made = deploy(Setting(COMMAND, "DeploymentPolicy", policy), base=base)
    assert rolled(made).policy == "AllAtOnce"
    (warning,) = made.warnings
    assert f"cannot deploy by '{policy}'; 'AllAtOnce' is used" in warning


def test_without_a_release_to_go_back_to_there_is_no_previous_one() -> None:
    old, new = release(OLD), release(NEW, version_label="v2")
    record = environment(many(1), template=old.fingerprint, deployment=None)
    assert rolled(update_plan(record, old, new, NOW)).previous is None


@pytest.mark.parametrize(("label", "leads"), [("v1", False), ("v2", True)])
@pytest.mark.parametrize("kind", ["Health", "Immutable"])
def test_new_instances_for_settings_alone_are_led_by_nobody(
    label: str, leads: bool, kind: str
) -> None:
    made = plan(LARGE, base=(*THREE, Setting(UPDATES, "RollingUpdateType", kind)), label=label)
    assert rolled(made).leads is leads
    record = environment(many(1), template="another", deployment=None)
    first = release(NEW, configuration_only=True)
    assert rolled(update_plan(record, release(OLD), first, NOW)).leads


def test_plans_are_made_of_the_least_thing() -> None:
    """Each change of one setting alone leads to the phases that it needs, and not to more."""
    needs = {
        Setting("aws:elasticbeanstalk:xray", "XRayEnabled", "true"): Roll,
        Setting("aws:elasticbeanstalk:application", "Application Healthcheck URL", "/up"): None,
        Setting("aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic"): None,
        Setting("aws:elasticbeanstalk:environment:proxy", "ProxyServer", "none"): Roll,
        Setting(ASG, "Cooldown", "999"): None,
        Setting(ASG, "MinSize", "4"): Settle,
    }
    for setting, phase in needs.items():
        last = plan(setting).phases[-1]
        assert isinstance(last, phase or Provision), setting
        assert replace(plan(setting), warnings=()) == plan(setting)
