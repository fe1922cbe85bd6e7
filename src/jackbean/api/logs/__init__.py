"""CloudWatch Logs: what of it is here, in the JSON protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.logs import events, groups

LOGS: Mapping[str, Any] = {
    "CreateLogGroup": groups.create_log_group,
    "CreateLogStream": groups.create_log_stream,
    "DeleteLogGroup": groups.delete_log_group,
    "DeleteLogStream": groups.delete_log_stream,
    "DeleteRetentionPolicy": groups.delete_retention_policy,
    "DescribeLogGroups": groups.describe_log_groups,
    "DescribeLogStreams": groups.describe_log_streams,
    "FilterLogEvents": events.filter_log_events,
    "GetLogEvents": events.get_log_events,
    "ListTagsForResource": groups.list_tags_for_resource,
    "ListTagsLogGroup": groups.list_tags_for_resource,
    "PutLogEvents": events.put_log_events,
    "PutRetentionPolicy": groups.put_retention_policy,
    "TagLogGroup": groups.tag_resource,
    "TagResource": groups.tag_resource,
    "UntagLogGroup": groups.untag_resource,
    "UntagResource": groups.untag_resource,
}

__all__ = ["LOGS"]
