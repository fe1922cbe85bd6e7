"""Which function answers which operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jackbean.api.elasticbeanstalk import (
    account,
    applications,
    configuration,
    environments,
    monitoring,
    platforms,
    tags,
)
from jackbean.api.plant import Call, Plant

Handler = Callable[[Plant, Call], Awaitable[Mapping[str, Any]]]

OPERATIONS: Mapping[str, Handler] = {
    "AbortEnvironmentUpdate": environments.abort_environment_update,
    "CheckDNSAvailability": environments.check_dns_availability,
    "ComposeEnvironments": environments.compose_environments,
    "CreateApplication": applications.create_application,
    "CreateApplicationVersion": applications.create_application_version,
    "CreateEnvironment": environments.create_environment,
    "CreateStorageLocation": account.create_storage_location,
    "DeleteApplication": applications.delete_application,
    "DeleteApplicationVersion": applications.delete_application_version,
    "DescribeAccountAttributes": account.describe_account_attributes,
    "DescribeApplicationVersions": applications.describe_application_versions,
    "DescribeApplications": applications.describe_applications,
    "DescribeConfigurationOptions": configuration.describe_configuration_options,
    "DescribeConfigurationSettings": configuration.describe_configuration_settings,
    "DescribeEnvironmentHealth": monitoring.describe_environment_health,
    "DescribeEnvironmentResources": environments.describe_environment_resources,
    "DescribeEnvironments": environments.describe_environments,
    "DescribeEvents": monitoring.describe_events,
    "DescribeInstancesHealth": monitoring.describe_instances_health,
    "DescribePlatformVersion": platforms.describe_platform_version,
    "ListAvailableSolutionStacks": account.list_available_solution_stacks,
    "ListPlatformBranches": platforms.list_platform_branches,
    "ListPlatformVersions": platforms.list_platform_versions,
    "ListTagsForResource": tags.list_tags_for_resource,
    "RequestEnvironmentInfo": monitoring.request_environment_info,
    "RestartAppServer": environments.restart_app_server,
    "RetrieveEnvironmentInfo": monitoring.retrieve_environment_info,
    "SwapEnvironmentCNAMEs": environments.swap_environment_cnames,
    "TerminateEnvironment": environments.terminate_environment,
    "UpdateApplication": applications.update_application,
    "UpdateApplicationVersion": applications.update_application_version,
    "UpdateEnvironment": environments.update_environment,
    "ValidateConfigurationSettings": configuration.validate_configuration_settings,
}
