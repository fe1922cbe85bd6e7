"""What an instance must know of a release, compiled: no YAML and no option table over there."""

from __future__ import annotations

from dataclasses import replace

from jackbean.control.extensions import evaluated
from jackbean.control.stacks.surroundings import Surroundings
from jackbean.control.workers import instructions
from jackbean.core.environments import Environment
from jackbean.core.installation import Installation
from jackbean.core.options.settings import Settings
from jackbean.core.options.views import (
    DeploymentOptions,
    HealthCheckOptions,
    environment_properties,
)
from jackbean.core.platforms.catalogue import PlatformVersion
from jackbean.core.protocol import Manifest, to_json
from jackbean.core.releases import Release

# The namespaces whose settings an instance acts on; a change in them is a configuration deployment.
ON_INSTANCE = (
    "aws:elasticbeanstalk:application:environment",
    "aws:elasticbeanstalk:container:",
    "aws:elasticbeanstalk:environment:proxy",
    "aws:elasticbeanstalk:hostmanager",
    "aws:elasticbeanstalk:sqsd",
    "aws:elasticbeanstalk:xray",
    "aws:elasticbeanstalk:cloudwatch:logs",
)
DEPLOYMENT, RECONFIGURATION = "hooks", "confighooks"  # folders of hooks
RESTART = "restart"  # no folder: none run
PROPERTIES = "aws:elasticbeanstalk:application:environment"


def instance_options(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the settings that concern an instance, by namespace; properties are not among them."""
    return {
        namespace: settings.namespace(namespace)
        for namespace in sorted(settings.namespaces())
        if concerns_instance(namespace) and namespace != PROPERTIES
    }


def concerns_instance(namespace: str) -> bool:
    """Whether an instance acts on the settings of a namespace."""
    return namespace.startswith(ON_INSTANCE)


def for_newcomer(manifest: Manifest) -> Manifest:
    """Return the manifest for an instance that does not run this version yet.

    Only an instance that has been deployed to can be reconfigured: the hooks of a deployment run.
    """
    return replace(manifest, hooks=DEPLOYMENT)


def concerns_instances(old: Settings, new: Settings) -> bool:
    """Whether going from `old` to `new` changes anything that an instance acts on."""
    before = (instance_options(old), environment_properties(old))
    return before != (instance_options(new), environment_properties(new))


def compile_manifest(
    installation: Installation,
    environment: Environment,
    release: Release,
    platform: PlatformVersion,
    digest: str,
) -> Manifest:
    """Return the manifest of `release` for an instance that already runs its version.

    `digest` is that of its bundle: of its version, or of the platform's sample application.
    """
    around = Surroundings(installation, environment, release.settings, release.extensions)
    options = instance_options(release.settings)
    properties = environment_properties(release.settings)
    properties |= {
        link.name: installation.reached(link.value)
        for link in release.links
        if properties.get(link.name) == link.value
    }
    worker = instructions(around)
    return Manifest(
        release=release.number,
        version_label=release.version_label,
        environment_name=environment.name,
        environment_id=environment.id,
        application_name=environment.application,
        region=installation.region,
        account=installation.account,
        platform=platform.branch.platform_name.lower(),
        platform_version=platform.branch.language_version,
        framework_version=platform.branch.framework[1] if platform.branch.framework else "",
        digest=digest,
        environment=evaluated(properties, around),
        options={name: evaluated(values, around) for name, values in options.items()},
        hooks=_hooks(release),
        timeout_s=DeploymentOptions.of(release.settings).timeout_s,
        drain_s=HealthCheckOptions.of(release.settings).deregistration_delay_s,
        worker=None if worker is None else to_json(worker),
    )


def _hooks(release: Release) -> str:
    if release.restarts:
        return RESTART
    return RECONFIGURATION if release.configuration_only else DEPLOYMENT
