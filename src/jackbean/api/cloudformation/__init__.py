"""CloudFormation: stacks of environments to look at, and those of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.cloudformation import changing, drifting, reading, signalling, writing

CLOUDFORMATION: Mapping[str, Any] = {
    "CancelUpdateStack": writing.cancel_update_stack,
    "ContinueUpdateRollback": writing.continue_update_rollback,
    "CreateChangeSet": changing.create_change_set,
    "CreateStack": writing.create_stack,
    "DeleteChangeSet": changing.delete_change_set,
    "DeleteStack": writing.delete_stack,
    "DescribeChangeSet": changing.describe_change_set,
    "DescribeStackDriftDetectionStatus": drifting.describe_stack_drift_detection_status,
    "DescribeStackEvents": reading.describe_stack_events,
    "DescribeStackResource": reading.describe_stack_resource,
    "DescribeStackResourceDrifts": drifting.describe_stack_resource_drifts,
    "DescribeStackResources": reading.describe_stack_resources,
    "DescribeStacks": reading.describe_stacks,
    "DetectStackDrift": drifting.detect_stack_drift,
    "DetectStackResourceDrift": drifting.detect_stack_resource_drift,
    "ExecuteChangeSet": changing.execute_change_set,
    "GetStackPolicy": reading.get_stack_policy,
    "GetTemplate": reading.get_template,
    "ListExports": reading.list_exports,
    "ListImports": reading.list_imports,
    "ListStackResources": reading.list_stack_resources,
    "ListStacks": reading.list_stacks,
    "RollbackStack": writing.rollback_stack,
    "SetStackPolicy": writing.set_stack_policy,
    "SignalResource": signalling.signal_resource,
    "UpdateStack": writing.update_stack,
    "UpdateTerminationProtection": writing.update_termination_protection,
    "ValidateTemplate": writing.validate_template,
}

__all__ = ["CLOUDFORMATION"]
