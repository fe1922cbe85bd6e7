"""Models are loaded once, small, and with the overlay on top."""

from __future__ import annotations

import pytest

from jackbean.wire import overlay
from jackbean.wire.models import Models, load

SERVICES = (
    "acm autoscaling cloudformation cloudwatch codebuild codecommit dynamodb ec2 elasticbeanstalk "
    "elb elbv2 iam logs rds s3 secretsmanager sns sqs ssm sts"
)


@pytest.mark.parametrize("service", SERVICES.split())
def test_every_operation_of_a_service_can_be_built(models, service):
    model = models.get(service)
    for name in model.operations:
        operation = model.operation(name)
        assert operation.method
        for shape in (operation.input, operation.output):
            assert shape is None or shape.kind == "structure"


def test_a_model_is_loaded_once():
    models = Models()
    assert models.get("sts") is models.get("sts")
    assert load("sts") is not models.get("sts")


def test_a_model_of_ones_own_needs_no_botocore():
    raw = {
        "metadata": {"apiVersion": "2026-01-01", "protocol": "json", "targetPrefix": "Jackbean"},
        "operations": {"Plan": {"http": {"method": "POST", "requestUri": "/"}}},
        "shapes": {},
    }
    model = Models({"jackbean": raw}).get("jackbean")
    assert model.operation("Plan").input is None


def test_recursive_shapes_are_finite(models):
    value = models.get("dynamodb").operation("PutItem").input.members["Item"].value
    assert value.members["L"].member is value
    assert value.members["M"].value.members["L"].member is value


def test_documentation_is_not_kept(models):
    model = models.get("iam")
    shape = model.operation("CreateRole").input
    assert "documentation" not in shape.traits
    assert all("documentation" not in item.traits for item in shape.members.values())


def test_codes_can_differ_from_the_names_of_shapes(models):
    eb = models.get("elasticbeanstalk")
    fault = eb.fault("OperationInProgressException", "busy")
    assert (fault.code, fault.status) == ("OperationInProgressFailure", 400)
    assert eb.fault("InsufficientPrivilegesException", "no").status == 403
    assert eb.fault("InvalidParameterValue", "bad").code == "InvalidParameterValue"


def test_the_overlay_of_elastic_beanstalk_adds_to_the_model(models):
    eb = models.get("elasticbeanstalk")
    settings = eb.operation("DescribeConfigurationSettings").output
    described = settings.members["ConfigurationSettings"].member
    assert described.members["Tier"].kind == "structure"
    assert "OptionSettings" not in eb.operation("ValidateConfigurationSettings").input.required


STRUCTURE = {"type": "structure", "members": {"Old": {"shape": "B"}}, "required": ["Old"]}
RAW = {"shapes": {"A": STRUCTURE, "B": {"type": "string"}}}


def test_an_overlay_keeps_what_the_model_has():
    laid = overlay.applied(RAW, {"members": {"A": {"Old": "Other", "New": "B"}}})
    assert laid["shapes"]["A"]["members"] == {"Old": {"shape": "B"}, "New": {"shape": "B"}}
    assert "New" not in RAW["shapes"]["A"]["members"]


def test_an_overlay_can_make_members_optional_and_add_shapes():
    laid = overlay.applied(
        RAW, {"optional": {"A": ["Old"]}, "shapes": {"C": ["B"]}, "scalars": {"D": "long"}}
    )
    assert laid["shapes"]["A"]["required"] == []
    assert laid["shapes"]["C"] == {"type": "list", "member": {"shape": "B"}}
    assert laid["shapes"]["D"] == {"type": "long"}


def test_a_name_that_nobody_defines_is_a_mistake():
    with pytest.raises(LookupError, match=r"A\.New"):
        overlay.applied(RAW, {"members": {"A": {"New": "Nowhere"}}})
    with pytest.raises(KeyError):
        overlay.applied(RAW, {"members": {"Z": {"New": "B"}}})
