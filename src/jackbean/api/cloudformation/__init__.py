"""CloudFormation: stacks, as people and programs look at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.cloudformation import reading

CLOUDFORMATION: Mapping[str, Any] = {
    "DescribeStackEvents": reading.describe_stack_events,
    "DescribeStackResource": reading.describe_stack_resource,
    "DescribeStackResources": reading.describe_stack_resources,
    "DescribeStacks": reading.describe_stacks,
    "GetTemplate": reading.get_template,
    "ListExports": reading.list_exports,
    "ListStackResources": reading.list_stack_resources,
    "ListStacks": reading.list_stacks,
}

__all__ = ["CLOUDFORMATION"]
