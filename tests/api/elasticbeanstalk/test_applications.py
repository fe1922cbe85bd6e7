"""Applications and versions by the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.api.rig import PlantRig

from jackbean.core.protocol import BUNDLE_BYTES_MAX

INVALID = (400, "InvalidParameterValue")


def test_an_application(rig: PlantRig) -> None:
    made = rig.eb.create_application(
        ApplicationName="My App", Description="ours", Tags=[{"Key": "Team", "Value": "web"}]
    )["Application"]
    assert (made["ApplicationName"], made["Description"]) == ("My App", "ours")
    assert made["ApplicationArn"] == (
        "arn:aws:elasticbeanstalk:us-east-1:123456789012:application/My App"
    )
    assert (made["ConfigurationTemplates"], made["Versions"]) == ([], [])
    tags = rig.eb.list_tags_for_resource(ResourceArn=made["ApplicationArn"])
    assert tags["ResourceTags"] == [{"Key": "Team", "Value": "web"}]
    again = rig.refusal(rig.eb.create_application, ApplicationName="My App")
    assert again == (*INVALID, "Application My App already exists.")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"ApplicationName": "a/b"}, "1 to 100 printable characters"),
        ({"ApplicationName": "x" * 101}, "1 to 100 printable characters"),
        ({"ApplicationName": "a\x00"}, "1 to 100 printable characters"),
        ({"ApplicationName": " "}, "1 to 100 printable characters"),
        ({"ApplicationName": "x", "Description": "d" * 201}, "at most 200"),
        ({"ApplicationName": "x", "Tags": [{"Key": "k;", "Value": "v"}]}, "letters, digits"),
        (
            {"ApplicationName": "x", "Tags": [{"Key": f"{n}", "Value": ""} for n in range(51)]},
            "51 tags, and at most 50",
        ),
    ],
)
def test_what_cannot_be_created(rig: PlantRig, given: dict[str, Any], text: str) -> None:
    status, code, message = rig.refusal(rig.eb.create_application, **given)
    assert (status, code) == INVALID
    assert text in message


def test_descriptions_are_kept_changed_and_cleared(rig: PlantRig) -> None:
    def update(**given: Any) -> str | None:
        answer = rig.eb.update_application(ApplicationName="app", **given)["Application"]
        assert answer["Versions"] == ["v2", "v1"]
        return answer.get("Description")

    assert update(Description="new") == "new"
    assert update() == "new"
    assert update(Description="") is None
    assert rig.refusal(rig.eb.update_application, ApplicationName="nobody") == (
        *INVALID,
        "No Application named 'nobody' found.",
    )


def test_deleting_takes_the_environments_along_only_when_asked_to(rig: PlantRig) -> None:
    id_ = rig.launch()
    assert rig.refusal(rig.eb.delete_application, ApplicationName="app")[:2] == INVALID
    answer = rig.eb.delete_application(ApplicationName="app", TerminateEnvByForce=True)
    again = rig.refusal(rig.eb.delete_application, ApplicationName="app", TerminateEnvByForce=True)
    assert again[:2] == (400, "OperationInProgressFailure")
    rig.settle(id_)
    rig.step(5)
    events = rig.eb.describe_events(RequestId=answer["ResponseMetadata"]["RequestId"])["Events"]
    assert events[0]["Message"] == "The application has been deleted successfully."
    assert rig.eb.describe_applications()["Applications"] == []


# Versions


def test_a_version_of_an_uploaded_bundle(rig: PlantRig) -> None:
    source = rig.upload("v3.zip", {"application.py": ""})
    made = rig.eb.create_application_version(
        ApplicationName="app", VersionLabel="v3", SourceBundle=source, Description="third"
    )["ApplicationVersion"]
    assert (made["VersionLabel"], made["Description"]) == ("v3", "third")
    assert (made["SourceBundle"], made["Status"]) == (source, "UNPROCESSED")
    assert made["ApplicationVersionArn"].endswith("applicationversion/app/v3")
    assert rig.launch(VersionLabel="v3")
    assert rig.release(1).digest is not None


def test_a_version_keeps_its_bytes_when_the_upload_changes(rig: PlantRig) -> None:
    source = rig.upload("v3.zip", {"application.py": "one"})
    rig.eb.create_application_version(ApplicationName="app", VersionLabel="v3", SourceBundle=source)
    rig.upload("v3.zip", {"application.py": "two"})
    rig.eb.create_application_version(ApplicationName="app", VersionLabel="v4", SourceBundle=source)
    found = rig.run(rig.world.store.versions("app", ["v3", "v4"]))
    assert len({v.digest for v in found}) == 2


def test_processing_takes_no_time(rig: PlantRig) -> None:
    made = rig.eb.create_application_version(
        ApplicationName="app", VersionLabel="v3", Process=True
    )["ApplicationVersion"]
    assert made["Status"] == "PROCESSED"


@pytest.mark.parametrize("source", [{"S3Bucket": "b"}, {"S3Key": "k"}])
def test_a_source_bundle_has_a_bucket_and_a_key(rig: PlantRig, source: dict[str, str]) -> None:
    create = rig.eb.create_application_version
    given = {"ApplicationName": "app", "VersionLabel": "v3", "SourceBundle": source}
    assert rig.refusal(create, **given)[1] == "MissingRequiredParameter"


def test_an_application_is_made_along_with_its_first_version(rig: PlantRig) -> None:
    given = {"ApplicationName": "other", "VersionLabel": "v1"}
    create = rig.eb.create_application_version
    assert rig.refusal(create, **given) == (*INVALID, "No Application named 'other' found.")
    create(**given, AutoCreateApplication=True)
    create(ApplicationName="other", VersionLabel="v2", AutoCreateApplication=True)
    (found,) = rig.eb.describe_applications(ApplicationNames=["other"])["Applications"]
    assert found["Versions"] == ["v2", "v1"]


def test_but_not_for_a_version_that_cannot_be(rig: PlantRig) -> None:
    for given in (
        {"VersionLabel": "a/b"},
        {"VersionLabel": "v1", "SourceBundle": {"S3Bucket": "none", "S3Key": "k"}},
        {"VersionLabel": "v1", "Tags": [{"Key": "aws:x", "Value": ""}]},
    ):
        answer = rig.refusal(
            rig.eb.create_application_version,
            ApplicationName="other",
            AutoCreateApplication=True,
            **given,
        )
        assert answer[:2] == INVALID
    assert rig.eb.describe_applications(ApplicationNames=["other"])["Applications"] == []


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"VersionLabel": "v1"}, INVALID[1], "Application Version v1 already exists."),
        (
            {"VersionLabel": "v3", "SourceBundle": {"S3Bucket": "none", "S3Key": "k"}},
            INVALID[1],
            "Unable to download from S3 location (Bucket: none Key: k).",
        ),
        (
            {"VersionLabel": "v3", "SourceBundle": {"S3Bucket": "none", "S3Key": "k" * 1025}},
            "KeyTooLongError",
            "",
        ),
        (
            {
                "VersionLabel": "v3",
                "SourceBuildInformation": {
                    "SourceType": "Git",
                    "SourceRepository": "CodeCommit",
                    "SourceLocation": "a/b",
                },
            },
            "InvalidParameterCombination",
            "Builds are not available here",
        ),
    ],
)
def test_what_cannot_be_a_version(
    rig: PlantRig, given: dict[str, Any], code: str, text: str
) -> None:
    answer = rig.refusal(rig.eb.create_application_version, ApplicationName="app", **given)
    assert answer[:2] == (400, code)
    assert text in answer[2]


def test_a_bundle_that_is_too_large(rig: PlantRig) -> None:
    source = rig.upload("v3.zip", {"application.py": ""})
    where = (source["S3Bucket"], source["S3Key"])
    huge = replace(rig.buckets._objects[where], size=BUNDLE_BYTES_MAX + 1)
    rig.buckets._objects[where] = huge
    answer = rig.refusal(
        rig.eb.create_application_version,
        ApplicationName="app",
        VersionLabel="v3",
        SourceBundle=source,
    )
    assert answer == (
        *INVALID,
        "The source bundle is larger than 512 MB, which is the limit.",
    )


def test_versions_newest_first_in_pages(rig: PlantRig) -> None:
    for number in range(3, 6):
        rig.version(f"v{number}")
    everything = rig.eb.describe_application_versions()["ApplicationVersions"]
    assert [v["VersionLabel"] for v in everything] == ["v5", "v4", "v3", "v2", "v1"]
    some = rig.eb.describe_application_versions(ApplicationName="app", VersionLabels=["v1", "v4"])
    assert [v["VersionLabel"] for v in some["ApplicationVersions"]] == ["v4", "v1"]
    page = rig.eb.describe_application_versions(MaxRecords=2)
    assert [v["VersionLabel"] for v in page["ApplicationVersions"]] == ["v5", "v4"]
    page = rig.eb.describe_application_versions(MaxRecords=2, NextToken=page["NextToken"])
    assert [v["VersionLabel"] for v in page["ApplicationVersions"]] == ["v3", "v2"]


def test_describing_a_version_anew(rig: PlantRig) -> None:
    given = {"ApplicationName": "app", "VersionLabel": "v1"}
    answer = rig.eb.update_application_version(**given, Description="new")
    assert answer["ApplicationVersion"]["Description"] == "new"
    gone = {"ApplicationName": "app", "VersionLabel": "v9"}
    assert rig.refusal(rig.eb.update_application_version, **gone)[:2] == INVALID


def test_deleting_a_version_with_or_without_its_source(rig: PlantRig) -> None:
    s3 = rig.client("s3")
    for number, delete in ((3, False), (4, True)):
        key = f"v{number}.zip"
        source = rig.upload(key, {"application.py": key})
        given = {"ApplicationName": "app", "VersionLabel": f"v{number}"}
        rig.eb.create_application_version(**given, SourceBundle=source)
        rig.eb.delete_application_version(**given, DeleteSourceBundle=delete)
    kept = s3.list_objects_v2(Bucket=source["S3Bucket"])["Contents"]
    assert [o["Key"] for o in kept] == ["v3.zip"]
    rig.eb.delete_application_version(ApplicationName="app", VersionLabel="v9")


def test_a_source_that_cannot_be_deleted_is_told_after_the_version_is(rig: PlantRig) -> None:
    source = rig.upload("v3.zip", {"application.py": ""})
    given = {"ApplicationName": "app", "VersionLabel": "v3"}
    rig.eb.create_application_version(**given, SourceBundle=source)
    rig.client("s3").delete_object(Bucket=source["S3Bucket"], Key="v3.zip")
    rig.client("s3").delete_bucket(Bucket=source["S3Bucket"])
    answer = rig.refusal(rig.eb.delete_application_version, **given, DeleteSourceBundle=True)
    assert answer[:2] == (400, "SourceBundleDeletionFailure")
    assert rig.run(rig.world.store.versions("app", ["v3"])) == []


def test_a_version_in_use_is_kept(rig: PlantRig) -> None:
    rig.launch()
    given = {"ApplicationName": "app", "VersionLabel": "v1"}
    status, code, message = rig.refusal(rig.eb.delete_application_version, **given)
    assert (status, code) == INVALID
    assert "is deployed to environment(s) web1" in message


# Tags


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "nonsense",
        "arn:aws:elasticbeanstalk:us-east-1:123456789012:application/nobody",
        "arn:aws:elasticbeanstalk:us-east-1:123456789012:applicationversion/app/v9",
        "arn:aws:elasticbeanstalk:us-east-1:123456789012:environment/app/nobody",
        "arn:aws:elasticbeanstalk:us-east-1:123456789012:planet/earth",
        "arn:aws:elasticbeanstalk:us-east-1:999999999999:application/app",
        "arn:aws:s3:us-east-1:123456789012:application/app",
    ],
)
def test_arns_of_nothing(rig: PlantRig, arn: str) -> None:
    answer = rig.refusal(rig.eb.list_tags_for_resource, ResourceArn=arn)
    assert answer[:2] == (400, "ResourceNotFoundException")


def test_tags_of_a_version(rig: PlantRig) -> None:
    made = rig.eb.create_application_version(
        ApplicationName="app", VersionLabel="v3", Tags=[{"Key": "a", "Value": "b"}]
    )["ApplicationVersion"]
    tags = rig.eb.list_tags_for_resource(ResourceArn=made["ApplicationVersionArn"])
    assert tags["ResourceTags"] == [{"Key": "a", "Value": "b"}]
