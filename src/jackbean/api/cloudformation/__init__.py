"""CloudFormation: stacks of environments to look at, and those of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.cloudformation import reading, writing

CLOUDFORMATION: Mapping[str, Any] = {
    "CreateStack": writing.create_stack,
    "DeleteStack": writing.delete_stack,
    "DescribeStackEvents": reading.describe_stack_events,
    "DescribeStackResource": reading.describe_stack_resource,
    "DescribeStackResources": reading.describe_stack_resources,
    "DescribeStacks": reading.describe_stacks,
    "GetTemplate": reading.get_template,
    "ListExports": reading.list_exports,
    "ListStackResources": reading.list_stack_resources,
    "ListStacks": reading.list_stacks,
    "UpdateStack": writing.update_stack,
    "ValidateTemplate": writing.validate_template,
}

__all__ = ["CLOUDFORMATION"]
