"""Environments: create, update, terminate, describe."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from jackbean.api.elasticbeanstalk import shapes
from jackbean.api.elasticbeanstalk.applications import tags_of
from jackbean.api.elasticbeanstalk.bases import base_of, refuse_base
from jackbean.api.elasticbeanstalk.pages import page
from jackbean.api.elasticbeanstalk.tags import SYSTEM_TAGS
from jackbean.api.plant import Call, Plant
from jackbean.control import environments
from jackbean.control.aborting import abort
from jackbean.control.composing import Composition, compose, declaration
from jackbean.control.environments import Creation, Update
from jackbean.control.principals import visible
from jackbean.control.restarting import restart
from jackbean.control.swapping import swap
from jackbean.control.workers import DEAD_LETTERS, QUEUE, name_of, queue_of
from jackbean.core.applications import TAGS_MAX, Tags, check_tags
from jackbean.core.environments import Environment, Tier, check_cname_prefix
from jackbean.core.errors import invalid, missing, unfitting
from jackbean.core.links import check_group, grouped
from jackbean.core.options.settings import Key, Setting, key
from jackbean.core.platforms.catalogue import PlatformVersion
from jackbean.ports.store import EnvironmentQuery

Shape = dict[str, Any]

SHOWN_AFTER_END_S = 3600.0
QUEUES = (("WorkerQueue", QUEUE), ("WorkerDeadLetterQueue", DEAD_LETTERS))
TYPES = {"WebServer": "Standard", "Worker": "SQS/HTTP"}
VERSIONS = {"WebServer": "1.0", "Worker": "2.3"}  # where a client names none
VERSION = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}")


def settings_of(call: Call) -> tuple[Setting, ...]:
    """Return OptionSettings as sent: the last of duplicates wins later on."""
    return tuple(
        Setting(
            str(s.get("Namespace") or ""),
            str(s.get("OptionName") or ""),
            None if s.get("Value") is None else str(s["Value"]),
            str(s.get("ResourceName") or ""),
        )
        for s in call.items("OptionSettings")
    )


def removals_of(call: Call) -> tuple[Key, ...]:
    return tuple(
        key(
            str(s.get("Namespace") or ""),
            str(s.get("OptionName") or ""),
            str(s.get("ResourceName") or ""),
        )
        for s in call.items("OptionsToRemove")
    )


async def referred(plant: Plant, call: Call, role: str = "Environment") -> Environment:
    """Return the environment that a call names by id, by name or by both, in that role."""
    given = call.text(f"{role}Id") or call.text(f"{role}Name")
    if not given:
        raise missing("You must specify either an environment name or an environment id.")
    found = await environments.find(plant.world, given)
    if not visible(call.principal, found.id):
        raise environments.unknown(given)
    name = call.text(f"{role}Name")
    if name and found.name != name:
        raise unfitting(f"{role}Id {found.id} is not the id of environment {name}.")
    return found


async def create_environment(plant: Plant, call: Call) -> Shape:
    if call.members.get("TemplateName"):
        raise invalid(f"No Configuration Template named '{call.text('TemplateName')}' found.")
    label, group = call.optional("VersionLabel"), call.text("GroupName")
    check_group(group)
    said = await declaration(plant.world, call.text("ApplicationName"), label)
    name = call.text("EnvironmentName") or grouped(said.name, group)
    if not name:
        raise missing("EnvironmentName must be given, here or in the bundle's env.yaml.")
    base = await base_of(plant, call)
    tier = _tier(call) or said.tier or base.tier
    prefix = None if tier.worker or not said.cname else grouped(said.cname, group)
    wanted = Creation(
        application=call.text("ApplicationName"),
        name=name,
        platform=_platform(plant, call, said.platform or base.platform),
        request_id=call.request_id,
        label=label,
        cname_prefix=call.optional("CNAMEPrefix") or prefix,
        description=call.text("Description"),
        tier=tier,
        settings=(*base.settings, *said.settings, *settings_of(call)),
        tags=_tags(call, said.tags),
        group=group,
    )
    return shapes.environment(plant.world, await environments.create(plant.world, wanted))


async def compose_environments(plant: Plant, call: Call) -> Shape:
    wanted = Composition(
        application=call.text("ApplicationName"),
        labels=tuple(map(str, call.items("VersionLabels"))),
        group=call.text("GroupName"),
    )
    begun = await compose(plant.world, wanted)
    return {"Environments": [shapes.environment(plant.world, e) for e in begun]}


async def update_environment(plant: Plant, call: Call) -> Shape:
    environment = await _named(plant, call)
    if call.members.get("TemplateName"):
        raise invalid(f"No Configuration Template named '{call.text('TemplateName')}' found.")
    refuse_base(call)
    named = call.text("SolutionStackName") or call.text("PlatformArn")
    wanted = Update(
        request_id=call.request_id,
        label=call.optional("VersionLabel"),
        description=call.optional("Description"),
        platform=_platform(plant, call) if named else None,
        settings=settings_of(call),
        remove=removals_of(call),
        tier=_tier(call),
        group=call.optional("GroupName"),
    )
    updated = await environments.update(plant.world, environment.id, wanted)
    return shapes.environment(plant.world, updated)


async def terminate_environment(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    force = call.flag("ForceTerminate", default=False)
    ended = await environments.terminate(plant.world, environment.id, call.request_id, force=force)
    return shapes.environment(plant.world, ended)


async def abort_environment_update(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    await abort(plant.world, environment.id, call.request_id)
    return {}


async def restart_app_server(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    await restart(plant.world, environment.id, call.request_id)
    return {}


async def swap_environment_cnames(plant: Plant, call: Call) -> Shape:
    source = await referred(plant, call, "SourceEnvironment")
    destination = await referred(plant, call, "DestinationEnvironment")
    await swap(plant.world, source.id, destination.id, call.request_id)
    return {}


async def describe_environments(plant: Plant, call: Call) -> Shape:
    query = EnvironmentQuery(
        application=call.text("ApplicationName"),
        version_label=call.text("VersionLabel"),
        ids=tuple(map(str, call.items("EnvironmentIds"))),
        names=tuple(map(str, call.items("EnvironmentNames"))),
        terminated_since=_since(plant, call),
    )
    found = await plant.world.store.environments(query)
    shown, token = page([e for e in found if visible(call.principal, e.id)], call)
    listed = [shapes.environment(plant.world, e) for e in shown]
    return {"Environments": listed, "NextToken": token}


async def describe_environment_resources(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    by_type: dict[str, list[str]] = {}
    for resource in environment.resources:
        by_type.setdefault(resource.type, []).append(resource.name)
    balancers = [
        *by_type.get("AWS::ElasticLoadBalancing::LoadBalancer", ()),
        *by_type.get("AWS::ElasticLoadBalancingV2::LoadBalancer", ()),
    ]
    groups = by_type.get("AWS::AutoScaling::AutoScalingGroup", [])
    templates = by_type.get("AWS::EC2::LaunchTemplate", [])
    return {
        "EnvironmentResources": {
            "EnvironmentName": environment.name,
            "AutoScalingGroups": [{"Name": n} for n in groups],
            "Instances": [{"Id": m.id} for m in environment.members if m.counted],
            "LaunchConfigurations": [],
            "LaunchTemplates": [{"Id": n} for n in templates],
            "LoadBalancers": [{"Name": n} for n in balancers],
            "Triggers": [],
            "Queues": await _queues(plant, call, environment),
        }
    }


async def _queues(plant: Plant, call: Call, environment: Environment) -> list[Shape]:
    """Return the queues that an environment uses, with URLs on the caller's side of the network.

    Those of a worker; else those of workers that it is linked to, where the EB CLI looks for them.
    """
    world = plant.world
    base = f"{call.base_url}/{world.installation.account}"
    if not environment.worker:
        linked = [name_of(link.value) for link in environment.links if link.queue]
        return [{"Name": QUEUES[0][0], "URL": f"{base}/{name}"} for name in linked]
    made = [(label, environment.resource(id_)) for label, id_ in QUEUES]
    release = await environments.current_release(world, environment)
    queue = queue_of(world.installation, environment, release)
    if made[0][1] is None and queue:
        return [{"Name": QUEUES[0][0], "URL": f"{base}/{name_of(queue)}"}]
    return [{"Name": label, "URL": f"{base}/{one.name}"} for label, one in made if one]


async def check_dns_availability(plant: Plant, call: Call) -> Shape:
    prefix = call.text("CNAMEPrefix").lower()
    check_cname_prefix(prefix)
    taken = await plant.world.store.environments(EnvironmentQuery(cname_prefix=prefix))
    name = plant.world.installation.cname(prefix)
    return {"Available": not taken, "FullyQualifiedCNAME": name}


async def _named(plant: Plant, call: Call) -> Environment:
    """Return the environment to update: the one named, or that of the version's env.yaml."""
    group, label = call.text("GroupName"), call.text("VersionLabel")
    check_group(group)
    if call.text("EnvironmentId") or call.text("EnvironmentName") or not (group and label):
        return await referred(plant, call)
    said = await declaration(plant.world, call.text("ApplicationName"), label)
    if not said.name:
        raise missing("Name the environment: the version's env.yaml has no EnvironmentName.")
    found = await environments.find(plant.world, grouped(said.name, group))
    if not visible(call.principal, found.id):
        raise environments.unknown(found.name)
    return found


def _platform(plant: Plant, call: Call, otherwise: str = "") -> PlatformVersion:
    """Return the platform that a call names. Clients put stack names into PlatformArn, too."""
    stack, arn = call.text("SolutionStackName"), call.text("PlatformArn")
    if stack and arn:
        raise unfitting("SolutionStackName and PlatformArn exclude one another; give one.")
    named = stack or arn or otherwise
    if not named:
        raise missing("A platform must be given: SolutionStackName or PlatformArn.")
    found = plant.world.platforms.catalogue.find(named)
    plant.world.platforms.catalogue.require_runnable(found)
    return found


def _tags(call: Call, otherwise: Tags = ()) -> Tags:
    """Return the tags of a new environment: those of the call over others."""
    tags = tuple(sorted((dict(otherwise) | dict(tags_of(call, TAGS_MAX))).items()))
    check_tags(tags, TAGS_MAX - len(SYSTEM_TAGS))
    if taken := sorted(SYSTEM_TAGS.keys() & dict(tags)):
        raise invalid(f"Elastic Beanstalk gives these tags itself: {', '.join(taken)}.")
    return tags


def _tier(call: Call) -> Tier | None:
    given = call.members.get("Tier")
    if not given:
        return None
    name = str(given.get("Name") or "WebServer")
    kind = str(given.get("Type") or TYPES.get(name, ""))
    if TYPES.get(name) != kind:
        raise invalid(
            f"Tier {name[:40]}/{kind[:40]} is not available; WebServer/Standard and "
            "Worker/SQS/HTTP are."
        )
    version = str(given.get("Version") or "").strip()
    if version and not VERSION.fullmatch(version):
        raise invalid(f"'{version[:40]}' is no version of a tier; leave Version out.")
    return Tier(name, kind, version or VERSIONS[name])


def _since(plant: Plant, call: Call) -> float | None:
    """Return since when terminated environments are shown; None hides them."""
    back = call.members.get("IncludedDeletedBackTo")
    if not call.flag("IncludeDeleted", default=True):
        return None
    if isinstance(back, datetime):
        return back.timestamp()
    return plant.world.clock.now() - SHOWN_AFTER_END_S
