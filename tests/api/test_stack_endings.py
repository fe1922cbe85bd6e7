"""How changes of stacks end where they do not simply succeed, and what may be asked then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig
from tests.api.stacks import NAME, described, settled, story, told

TEMPLATE = """
Resources:
  Jobs: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 3}}
  News: {Type: AWS::SNS::Topic, Properties: {DisplayName: news}, DependsOn: Jobs}
Outputs:
  Url: {Value: !Ref Jobs, Export: {Name: !Sub "${AWS::StackName}-jobs"}}
"""
CHANGED = TEMPLATE.replace("DelaySeconds: 3", "DelaySeconds: 4")
REFUSING = "{Tags: [{Key: RefuseToBe, Value: no topics today}]}"
BAD = CHANGED.replace("{DisplayName: news}", REFUSING)
SLOW = CHANGED.replace("{DisplayName: news}", "{Tags: [{Key: TakesLooks, Value: '50'}]}")
QUEUE, TOPIC = "AWS::SQS::Queue", "AWS::SNS::Topic"


@pytest.fixture
def client(rig: PlantRig) -> Any:
    return rig.client("cloudformation")


def made(rig: PlantRig, template: str = TEMPLATE, **more: Any) -> dict[str, Any]:
    rig.client("cloudformation").create_stack(StackName=NAME, TemplateBody=template, **more)
    return settled(rig)


def status(rig: PlantRig, name: str = NAME) -> str:
    return str(settled(rig, name)["StackStatus"])


def place(rig: PlantRig, kind: str) -> tuple[str, str]:
    (found,) = (one for one in rig.universe.resources.there if one[0] == kind)
    return found


def delay(rig: PlantRig) -> str:
    _, properties = rig.universe.resources.there[place(rig, QUEUE)]
    return str(json.loads(properties)["DelaySeconds"])


def resource_statuses(client: Any) -> dict[str, str]:
    found = client.describe_stack_resources(StackName=NAME)["StackResources"]
    return {one["LogicalResourceId"]: one["ResourceStatus"] for one in found}


def stuck(rig: PlantRig) -> dict[str, Any]:
    """Let an update fail, and the queue refuse to be what it was."""
    made(rig)
    client = rig.client("cloudformation")
    client.update_stack(StackName=NAME, TemplateBody=BAD)
    for _ in range(20):
        if described(rig)["StackStatus"] != "UPDATE_IN_PROGRESS":
            break
        rig.run(rig.stacks.turn())
    rig.universe.resources.refused[place(rig, QUEUE)] = "not now"
    return settled(rig)


def test_a_rollback_that_fails_can_be_continued(rig: PlantRig, client: Any) -> None:
    stack = stuck(rig)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to update: [Jobs]."
    assert resource_statuses(client)["Jobs"] == "UPDATE_FAILED"
    assert ("Jobs", "UPDATE_FAILED") in told(rig)
    assert "can not be updated" in rig.refusal(
        client.update_stack, StackName=NAME, TemplateBody=CHANGED
    )[2]  # fmt: skip
    client.continue_update_rollback(StackName=NAME)
    assert status(rig) == "UPDATE_ROLLBACK_FAILED"
    rig.universe.resources.refused.clear()
    client.continue_update_rollback(StackName=NAME)
    assert status(rig) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay(rig) == "3"
    assert "can not continue update rollback" in rig.refusal(
        client.continue_update_rollback, StackName=NAME
    )[2]  # fmt: skip


def test_what_is_skipped_counts_as_changed_back(rig: PlantRig, client: Any) -> None:
    stuck(rig)
    other = {"StackName": NAME, "ResourcesToSkip": ["News"]}
    assert "[News] have not failed" in rig.refusal(client.continue_update_rollback, **other)[2]
    client.continue_update_rollback(StackName=NAME, ResourcesToSkip=["Jobs"])
    assert status(rig) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay(rig) == "4"
    rig.universe.resources.refused.clear()
    client.update_stack(StackName=NAME, TemplateBody=CHANGED.replace("news", "newer"))
    assert status(rig) == "UPDATE_COMPLETE"


def test_an_update_can_be_cancelled(rig: PlantRig, client: Any) -> None:
    made(rig)
    client.update_stack(StackName=NAME, TemplateBody=SLOW)
    settled(rig, turns=5)
    assert delay(rig) == "4"
    client.cancel_update_stack(StackName=NAME)
    stack = settled(rig)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["StackStatusReason"] == "User Initiated"
    assert delay(rig) == "3"
    text = "CancelUpdateStack cannot be called from current stack status"
    assert rig.refusal(client.cancel_update_stack, StackName=NAME)[2] == text


def test_a_new_stack_that_fails_can_end(rig: PlantRig, client: Any) -> None:
    id_ = client.create_stack(StackName=NAME, TemplateBody=BAD, OnFailure="DELETE")["StackId"]
    assert status(rig, id_) == "DELETE_COMPLETE"
    assert rig.universe.resources.there == {}
    assert "no topics today" in json.dumps(story(rig, id_), default=str)


def test_a_new_stack_has_so_many_minutes(rig: PlantRig, client: Any) -> None:
    client.create_stack(StackName=NAME, TemplateBody=SLOW, TimeoutInMinutes=2)
    settled(rig, turns=5)
    rig.universe.clock.advance(110)
    assert settled(rig, turns=1)["StackStatus"] == "CREATE_IN_PROGRESS"
    rig.universe.clock.advance(10)
    stack = settled(rig)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "exceeded the specified timeout" in stack["StackStatusReason"]
    assert rig.universe.resources.there == {}


def test_a_new_stack_that_fails_can_stay(rig: PlantRig, client: Any) -> None:
    assert made(rig, BAD, OnFailure="DO_NOTHING")["StackStatus"] == "CREATE_FAILED"
    assert resource_statuses(client) == {"Jobs": "CREATE_COMPLETE", "News": "CREATE_FAILED"}
    client.rollback_stack(StackName=NAME)
    assert status(rig) == "ROLLBACK_COMPLETE"
    assert rig.universe.resources.there == {}
    both = {"StackName": "x", "TemplateBody": TEMPLATE, "OnFailure": "DELETE"}
    assert "but not both" in rig.refusal(client.create_stack, **both, DisableRollback=True)[2]


def test_the_same_wish_again_makes_what_was_not_made(rig: PlantRig, client: Any) -> None:
    """The world has changed meanwhile, and the template only elsewhere."""
    rig.universe.resources.refused = Everything(TOPIC)
    assert made(rig, OnFailure="DO_NOTHING")["StackStatus"] == "CREATE_FAILED"
    client.update_stack(StackName=NAME, TemplateBody=CHANGED, DisableRollback=True)
    assert status(rig) == "UPDATE_FAILED"
    rig.universe.resources.refused = {}
    client.update_stack(StackName=NAME, TemplateBody=TEMPLATE)
    assert status(rig) == "UPDATE_COMPLETE"
    assert {kind for kind, _ in rig.universe.resources.there} == {QUEUE, TOPIC}
    assert delay(rig) == "3"


class Everything(dict[Any, str]):
    """Refuses all of a type."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def get(self, place: Any, default: Any = None) -> Any:
        return "no topics today" if place[0] == self._kind else default


def test_an_update_that_fails_and_stays_can_go_back(rig: PlantRig, client: Any) -> None:
    made(rig)
    client.update_stack(StackName=NAME, TemplateBody=BAD, DisableRollback=True)
    assert status(rig) == "UPDATE_FAILED"
    assert delay(rig) == "4"
    client.rollback_stack(StackName=NAME)
    assert status(rig) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay(rig) == "3"
    assert "can not be rolled back" in rig.refusal(client.rollback_stack, StackName=NAME)[2]


def test_a_new_stack_that_cannot_end_what_it_made(rig: PlantRig, client: Any) -> None:
    bad = BAD.replace("{DelaySeconds: 4}", "{Tags: [{Key: RefuseToEnd, Value: needed}]}")
    stack = made(rig, bad)
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert resource_statuses(client) == {"Jobs": "DELETE_FAILED"}
    client.delete_stack(StackName=NAME)
    assert status(rig) == "DELETE_FAILED"
    unknown = {"StackName": NAME, "RetainResources": ["Nothing"]}
    assert "[Nothing]" in rig.refusal(client.delete_stack, **unknown)[2]
    client.delete_stack(StackName=NAME, RetainResources=["Jobs"])
    assert status(rig, stack["StackId"]) == "DELETE_COMPLETE"
    assert len(rig.universe.resources.there) == 1


def test_termination_protection(rig: PlantRig, client: Any) -> None:
    stack = made(rig, EnableTerminationProtection=True)
    assert stack["EnableTerminationProtection"] is True
    text = f"Stack [{NAME}] cannot be deleted while TerminationProtection is enabled"
    assert rig.refusal(client.delete_stack, StackName=NAME)[1:] == ("ValidationError", text)
    off = {"StackName": NAME, "EnableTerminationProtection": False}
    assert client.update_termination_protection(**off)["StackId"] == stack["StackId"]
    client.delete_stack(StackName=NAME)
    assert status(rig, stack["StackId"]) == "DELETE_COMPLETE"


def test_what_is_imported_stays(rig: PlantRig, client: Any) -> None:
    made(rig)
    topic = {"Type": TOPIC, "Properties": {"DisplayName": {"Fn::ImportValue": "own-jobs"}}}
    client.create_stack(StackName="user", TemplateBody=json.dumps({"Resources": {"T": topic}}))
    assert status(rig, "user") == "CREATE_COMPLETE"
    assert client.list_imports(ExportName="own-jobs")["Imports"] == ["user"]
    text = "Export own-jobs cannot be deleted as it is in use by user"
    assert rig.refusal(client.delete_stack, StackName=NAME)[1:] == ("ValidationError", text)
    without = TEMPLATE.partition("Outputs")[0]
    assert rig.refusal(client.update_stack, StackName=NAME, TemplateBody=without)[2] == text
    client.update_stack(StackName=NAME, TemplateBody=CHANGED)
    assert status(rig) == "UPDATE_COMPLETE"
    client.delete_stack(StackName="user")
    settled(rig, NAME)
    assert "not imported" in rig.refusal(client.list_imports, ExportName="own-jobs")[2]
    client.delete_stack(StackName=NAME)


def test_an_environment_imports_too(rig: PlantRig, client: Any) -> None:
    made(rig)
    config = """
    Resources:
      T: {Type: "AWS::SNS::Topic", Properties: {DisplayName: {"Fn::ImportValue": own-jobs}}}
    """
    rig.version("w", {".ebextensions/a.config": config, "application.py": ""})
    id_ = rig.launch("web1", 1, VersionLabel="w")
    assert client.list_imports(ExportName="own-jobs")["Imports"] == [f"awseb-{id_}-stack"]
    assert "in use by awseb" in rig.refusal(client.delete_stack, StackName=NAME)[2]


def test_an_ended_stack_is_known_by_its_id(rig: PlantRig, client: Any) -> None:
    stack = made(rig)
    client.delete_stack(StackName=NAME)
    assert status(rig, stack["StackId"]) == "DELETE_COMPLETE"
    for call in (client.describe_stacks, client.describe_stack_events, client.get_template):
        code, message = rig.refusal(call, StackName=NAME)[1:]
        assert (code, message) == ("ValidationError", f"Stack with id {NAME} does not exist")
    assert ("Jobs", "DELETE_COMPLETE") in told(rig, stack["StackId"])
    assert made(rig)["StackId"] != stack["StackId"]


def test_a_stack_policy_is_kept(rig: PlantRig, client: Any) -> None:
    policy = json.dumps({"Statement": []})
    made(rig, StackPolicyBody=policy)
    assert client.get_stack_policy(StackName=NAME)["StackPolicyBody"] == policy
    bad = {"StackName": NAME, "StackPolicyBody": "["}
    assert rig.refusal(client.set_stack_policy, **bad)[1] == "ValidationError"
    client.set_stack_policy(StackName=NAME, StackPolicyBody="{}")
    assert client.get_stack_policy(StackName=NAME)["StackPolicyBody"] == "{}"


def test_a_long_story_comes_in_pages(rig: PlantRig, client: Any) -> None:
    made(rig)
    for number in range(30):
        template = TEMPLATE.replace("DelaySeconds: 3", f"DelaySeconds: {number + 4}")
        client.update_stack(StackName=NAME, TemplateBody=template)
        settled(rig)
    first = client.describe_stack_events(StackName=NAME)
    assert len(first["StackEvents"]) == 100
    assert first["NextToken"]
    found = story(rig)
    assert len({one["EventId"] for one in found}) == len(found) == 6 + 30 * 4
    assert found[0]["ResourceStatus"] == "CREATE_IN_PROGRESS"
