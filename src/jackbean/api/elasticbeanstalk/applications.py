"""Applications and versions."""

from __future__ import annotations

from typing import Any

from jackbean.api.elasticbeanstalk import shapes
from jackbean.api.elasticbeanstalk.pages import page
from jackbean.api.plant import Call, Plant
from jackbean.control import applications, versions
from jackbean.core.applications import (
    TAGS_MAX,
    Application,
    Location,
    Tags,
    Version,
    VersionStatus,
    check_tags,
)
from jackbean.core.errors import Fault, invalid, missing, unfitting
from jackbean.core.protocol import BUNDLE_BYTES_MAX

Shape = dict[str, Any]


def tags_of(call: Call, most: int = TAGS_MAX) -> Tags:
    """Return the tags of a request. Raises a Fault for those that cannot be."""
    pairs = {str(t.get("Key") or ""): str(t.get("Value") or "") for t in call.items("Tags")}
    tags = tuple(sorted(pairs.items()))
    check_tags(tags, most)
    return tags


async def create_application(plant: Plant, call: Call) -> Shape:
    wanted = Application(call.text("ApplicationName"), call.text("Description"), tags=tags_of(call))
    made = await applications.create_application(plant.world, wanted, call.request_id)
    return {"Application": shapes.application(plant.world, made, [])}


async def describe_applications(plant: Plant, call: Call) -> Shape:
    names = [str(n) for n in call.items("ApplicationNames")]
    found = await plant.world.store.applications(names)
    return {"Applications": [await _described(plant, a) for a in found]}


async def update_application(plant: Plant, call: Call) -> Shape:
    name, description = call.text("ApplicationName"), call.optional("Description")
    record = await applications.describe_anew(plant.world, name, description)
    return {"Application": await _described(plant, record)}


async def delete_application(plant: Plant, call: Call) -> Shape:
    force = call.flag("TerminateEnvByForce", default=False)
    name = call.text("ApplicationName")
    await applications.delete_application(plant.world, name, call.request_id, force=force)
    return {}


async def create_application_version(plant: Plant, call: Call) -> Shape:
    name = call.text("ApplicationName")
    wanted = Version(
        name,
        call.text("VersionLabel"),
        call.text("Description"),
        status=_status(call),
        tags=tags_of(call),
    )
    bundle = await _bundle(plant, call)
    absent = not await plant.world.store.applications([name])
    if absent and call.flag("AutoCreateApplication", default=False):
        made = Application(name)
        await applications.create_application(plant.world, made, call.request_id)
    record = await versions.create_version(plant.world, wanted, bundle, call.request_id)
    return {"ApplicationVersion": shapes.version(plant.world, record)}


async def describe_application_versions(plant: Plant, call: Call) -> Shape:
    labels = [str(n) for n in call.items("VersionLabels")]
    found = await plant.world.store.versions(call.text("ApplicationName"), labels)
    shown, token = page(found, call)
    listed = [shapes.version(plant.world, v) for v in shown]
    return {"ApplicationVersions": listed, "NextToken": token}


async def update_application_version(plant: Plant, call: Call) -> Shape:
    name, label = call.text("ApplicationName"), call.text("VersionLabel")
    record = await versions.describe_anew(plant.world, name, label, call.optional("Description"))
    return {"ApplicationVersion": shapes.version(plant.world, record)}


async def delete_application_version(plant: Plant, call: Call) -> Shape:
    name, label = call.text("ApplicationName"), call.text("VersionLabel")
    gone = await versions.delete_version(plant.world, name, label)
    if gone and gone.location and call.flag("DeleteSourceBundle", default=False):
        await _delete_source(plant, gone.location)
    return {}


async def _delete_source(plant: Plant, location: Location) -> None:
    try:
        await plant.objects.delete(location.bucket, location.key)
    except Fault as fault:
        text = f"The version is deleted, its source bundle is not: {fault.message}"
        raise Fault("SourceBundleDeletionFailure", text) from fault


async def _described(plant: Plant, record: Application) -> Shape:
    labels = [v.label for v in await plant.world.store.versions(record.name)]
    return shapes.application(plant.world, record, labels)


def _status(call: Call) -> VersionStatus:
    """Return the status at birth, if its bundle is good: processing it takes no time."""
    process = call.flag("Process", default=False)
    return VersionStatus.PROCESSED if process else VersionStatus.UNPROCESSED


async def _bundle(plant: Plant, call: Call) -> versions.Bundle | None:
    source = call.members.get("SourceBundle") or {}
    if call.members.get("SourceBuildInformation") or call.members.get("BuildConfiguration"):
        raise unfitting("Builds are not available here; upload a source bundle (SourceBundle).")
    if not source:
        return None
    bucket, key = str(source.get("S3Bucket") or ""), str(source.get("S3Key") or "")
    if not bucket or not key:
        raise missing("A source bundle is named by both S3Bucket and S3Key.")
    record = await plant.objects.find(bucket, key)
    if record is None:
        raise invalid(f"Unable to download from S3 location (Bucket: {bucket} Key: {key}).")
    if record.size > BUNDLE_BYTES_MAX:
        most = BUNDLE_BYTES_MAX >> 20
        raise invalid(f"The source bundle is larger than {most} MB, which is the limit.")
    return versions.Bundle(Location(bucket, key), record.digest)
