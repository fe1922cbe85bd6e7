"""Application versions: bundle, upload, register."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jackbean.cli import bundle, labels
from jackbean.cli.failures import Failure, refused
from jackbean.cli.git import Repository
from jackbean.cli.upload import upload
from jackbean.cli.workplace import Workplace

SAMPLE = "Sample Application"


@dataclass(frozen=True)
class Wanted:
    """What the flags say of the version to make."""

    label: str = ""
    message: str = ""
    staged: bool = False
    archive: Path | None = None
    process: bool = False


def publish(place: Workplace, application: str, wanted: Wanted) -> str:
    """Return the label of a version of this folder, made now unless there is one of that name."""
    repository = place.project.repository
    label = label_of(place, wanted)
    if exists(place, application, label):
        place.screen.note(f"Version {label} exists already; deploying it as it is.")
        return label
    subject = repository.subject if repository and repository.born else ""
    with tempfile.TemporaryDirectory(prefix="jb-") as scratch:
        path = source(place, Path(scratch) / "bundle.zip", wanted)
        _register(place, application, label, path, wanted, wanted.message or subject)
    return label


def label_of(place: Workplace, wanted: Wanted) -> str:
    """Return what a version of this folder is called, if it is made now."""
    repository = place.project.repository
    return wanted.label or labels.version_label(
        repository.description if repository and repository.born else "",
        datetime.now().astimezone(),
        staged=wanted.staged,
    )


def exists(place: Workplace, application: str, label: str) -> bool:
    found = place.cloud.beanstalk.describe_application_versions(
        ApplicationName=application, VersionLabels=[label]
    )
    return bool(found["ApplicationVersions"])


def source(place: Workplace, target: Path, wanted: Wanted) -> Path:
    """Return the file to upload: made at `target`, unless there is one already."""
    folder, artifact = place.project.root, place.project.artifact
    if wanted.archive:
        return _archive(wanted.archive, target)
    if artifact:
        return _existing(folder / artifact, "deploy.artifact of config.yml")
    repository = place.project.repository
    if repository is None or (folder / bundle.IGNORE_FILE).is_file():
        bundle.write_folder(folder, target)
    elif wanted.staged or repository.born:
        _from_git(place, repository, target, wanted)
    else:
        place.screen.note("No commit has this folder yet: bundling it as it is.")
        bundle.write_folder(folder, target)
    return target


def sample(place: Workplace, application: str) -> str:
    """Return the label of the sample application, registered where it is not."""
    if not exists(place, application, SAMPLE):
        _create(place, application, SAMPLE, {})
    return SAMPLE


def _from_git(place: Workplace, repository: Repository, target: Path, wanted: Wanted) -> None:
    if not wanted.staged and (changes := repository.changes):
        place.screen.note(
            f"{changes} uncommitted change{'s are' if changes > 1 else ' is'} not deployed. "
            "Commit, or deploy what is staged with --staged."
        )
    tree = repository.staged_tree() if wanted.staged else "HEAD"
    bundle.write_commit(repository, tree, target, submodules=place.project.submodules)


def _archive(given: Path, target: Path) -> Path:
    if given.is_dir():
        bundle.write_folder(given, target)
        return target
    return _existing(given, "--archive")


def _existing(path: Path, named_by: str) -> Path:
    if not path.is_file():
        raise Failure(f"{path}, which {named_by} names, does not exist. Build it first.")
    if path.stat().st_size > bundle.BYTES_MAX:
        raise Failure(f"{path} is larger than {bundle.BYTES_MAX >> 20} MiB, the most there may be.")
    return path


def _register(
    place: Workplace, application: str, label: str, path: Path, wanted: Wanted, message: str
) -> None:
    key = f"{application}/{label}{path.suffix}"
    bucket = place.cloud.beanstalk.create_storage_location()["S3Bucket"]
    place.screen.say(f"Uploading {key} ({_size(path)}).")
    upload(place.cloud.s3, path, bucket, key)
    members: dict[str, Any] = {
        "Description": labels.description(message or "jb deploy"),
        "Process": wanted.process,
        "SourceBundle": {"S3Bucket": bucket, "S3Key": key},
    }
    _create(place, application, label, members)


def _create(place: Workplace, application: str, label: str, members: dict[str, Any]) -> None:
    create: Callable[..., object] = place.cloud.beanstalk.create_application_version
    try:
        create(ApplicationName=application, VersionLabel=label, **members)
    except Exception as error:
        failure = refused(error)
        if failure is None or not failure.message.endswith(" already exists."):
            raise


def _size(path: Path) -> str:
    size = float(path.stat().st_size)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024 or unit == "MiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
