"""The query protocol against botocore, which is what nearly every client speaks it with."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.wire import query
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import Limits
from jackbean.wire.models import Models

EB_OPERATIONS = Models().get("elasticbeanstalk").operations
REQUEST_ID = "2f0e9a4c-5b1d-4f6e-9f3a-0c7d1e2b3a4f"


@pytest.fixture(scope="module")
def eb(models):
    return models.get("elasticbeanstalk")


def form_of(client_model, operation, params):
    wire = create_serializer("query", include_validation=False)
    request = wire.serialize_to_request(params, client_model.operation_model(operation))
    return urlencode(request["body"]).encode()


def answer_of(client_model, operation, body):
    shape = client_model.operation_model(operation).output_shape
    response = {"status_code": 200, "headers": {"date": "now"}, "body": body}
    parsed = create_parser("query").parse(response, shape)
    assert parsed.pop("ResponseMetadata")["RequestId"] == REQUEST_ID
    return parsed


def test_every_operation_of_elastic_beanstalk_is_there():
    assert len(EB_OPERATIONS) == 47


@pytest.mark.parametrize("operation", EB_OPERATIONS)
def test_what_botocore_sends_is_read_back(operation, eb, clients, lab):
    shape = eb.operation(operation).input
    if shape is None:
        assert query.parse(eb, operation, b"Action=X&Version=1").members == {}
        return
    client = clients.model("elasticbeanstalk")
    known = client.operation_model(operation).input_shape.members
    strategy = lab.inputs(shape)

    @settings(max_examples=12)
    @given(strategy)
    def check(params):
        public = _without_overlay(params, known)
        parsed = query.parse(eb, operation, form_of(client, operation, public))
        assert lab.same(parsed.members, public)
        assert parsed.unknown == ()

    check()


def _without_overlay(value, known):
    return {name: item for name, item in value.items() if name in known}


@pytest.mark.parametrize("operation", EB_OPERATIONS)
def test_what_the_eb_cli_sends_is_read_back(operation, eb, eb_cli_model, lab):
    if operation not in eb_cli_model.operation_names:
        return  # newer than the EB CLI
    known = eb_cli_model.operation_model(operation).input_shape
    if known is None:
        return

    @settings(max_examples=12)
    @given(lab.inputs(_ClientShape(known)))
    def check(params):
        parsed = query.parse(eb, operation, form_of(eb_cli_model, operation, params))
        assert lab.same(parsed.members, params)
        assert parsed.unknown == ()

    check()


class _ClientShape:
    """A shape of a client's model with the face of ours, to draw values from."""

    def __init__(self, shape):
        self.kind = shape.type_name
        self.required = tuple(getattr(shape, "required_members", ()))
        self.timestamp_format = None
        self._shape = shape

    @cached_property
    def members(self):
        return {name: _ClientShape(item) for name, item in self._shape.members.items()}

    @cached_property
    def member(self):
        return _ClientShape(self._shape.member)


@pytest.mark.parametrize("operation", EB_OPERATIONS)
def test_what_we_answer_is_read_by_botocore(operation, eb, clients, lab):
    client = clients.model("elasticbeanstalk")
    shape = eb.operation(operation).output
    if shape is None:
        body = query.serialize(eb, operation, {}, REQUEST_ID)
        assert answer_of(client, operation, body) == {}
        return

    @settings(max_examples=12)
    @given(lab.outputs(shape))
    def check(result):
        body = query.serialize(eb, operation, result, REQUEST_ID)
        read = answer_of(client, operation, body)
        assert lab.same(read, _known(result, client.operation_model(operation).output_shape))

    check()


@pytest.mark.parametrize("operation", EB_OPERATIONS)
def test_what_we_answer_is_read_by_the_eb_cli(operation, eb, eb_cli_model, lab):
    shape = eb.operation(operation).output
    if shape is None or operation not in eb_cli_model.operation_names:
        return
    known = eb_cli_model.operation_model(operation).output_shape

    @settings(max_examples=12)
    @given(lab.outputs(shape))
    def check(result):
        body = query.serialize(eb, operation, result, REQUEST_ID)
        assert lab.same(answer_of(eb_cli_model, operation, body), _known(result, known))

    check()


def _known(value, shape):
    """Return what a client with this model gets to see of a value."""
    if shape.type_name == "structure":
        return {
            name: _known(item, shape.members[name])
            for name, item in value.items()
            if name in shape.members
        }
    if shape.type_name == "list":
        return [_known(item, shape.member) for item in value]
    if shape.type_name == "string" and isinstance(value, int):
        return str(value)  # BranchOrder, which the EB CLI reads as text
    return value


def test_every_member_that_the_eb_cli_knows_is_known_here(eb, eb_cli_model):
    lacking = []
    for name in eb_cli_model.operation_names:
        theirs = eb_cli_model.operation_model(name)
        ours = eb.operation(name)
        for one, other in ((theirs.input_shape, ours.input), (theirs.output_shape, ours.output)):
            if one is not None:
                lacking += _lacking(one, other, name)
    assert lacking == []


def _lacking(theirs, ours, path):
    if theirs.type_name == "list":
        return _lacking(theirs.member, ours.member, path + "[]")
    if theirs.type_name != "structure":
        return [] if _as_wide(theirs.type_name, ours.kind) else [f"{path}: {theirs.type_name}"]
    found = []
    for name, member in theirs.members.items():
        if name in ours.members:
            found += _lacking(member, ours.members[name], f"{path}.{name}")
        else:
            found.append(f"{path}.{name}")
    stricter = set(ours.required) - set(theirs.required_members)
    return found + [f"{path}.{name} is required" for name in stricter]


def _as_wide(theirs, ours):
    return theirs == ours or (theirs == "string" and ours == "integer")


def test_what_only_the_eb_cli_sends_is_known(eb):
    form = (
        b"Action=CreateEnvironment&ApplicationName=a"
        b"&TemplateSpecification.TemplateSource.EnvironmentName=blue"
        b"&TemplateSpecification.TemplateSnippets.member.1.SnippetName=RdsExtensionEB"
        b"&TemplateSpecification.TemplateSnippets.member.1.Order=10000"
    )
    parsed = query.parse(eb, "CreateEnvironment", form)
    assert parsed.unknown == ()
    assert parsed.members["TemplateSpecification"] == {
        "TemplateSource": {"EnvironmentName": "blue"},
        "TemplateSnippets": [{"SnippetName": "RdsExtensionEB", "Order": 10000}],
    }
    assert query.parse(eb, "ValidateConfigurationSettings", b"ApplicationName=a").members


@pytest.mark.parametrize(
    "form",
    [
        b"EnvironmentNames.member.1=a&EnvironmentNames.member.2=b",
        b"EnvironmentNames.1=a&EnvironmentNames.2=b",
        b"EnvironmentNames.member.7=b&EnvironmentNames.member.3=a",
    ],
)
def test_lists_are_read_in_every_spelling_and_in_the_order_of_their_numbers(eb, form):
    parsed = query.parse(eb, "DescribeEnvironments", form)
    assert parsed.members == {"EnvironmentNames": ["a", "b"]}


def test_a_bare_empty_list_is_an_empty_list(eb):
    parsed = query.parse(eb, "CreateApplication", b"ApplicationName=a&Tags=&Description=")
    assert parsed.members == {"ApplicationName": "a", "Tags": [], "Description": ""}


def test_options_given_twice_are_both_there(eb):
    form = b"".join(
        b"&OptionSettings.member.%d.Namespace=n&OptionSettings.member.%d.Value=%d" % (i, i, i)
        for i in (1, 2)
    )
    settings_read = query.parse(eb, "UpdateEnvironment", form).members["OptionSettings"]
    assert [setting["Value"] for setting in settings_read] == ["1", "2"]


def test_all_faults_are_told_at_once(eb):
    form = b"MaxRecords=many&StartTime=yesterday"
    with pytest.raises(WireFault) as raised:
        query.parse(eb, "DescribeEvents", form)
    assert raised.value.code == "ValidationError"
    assert "2 validation errors" in raised.value.message
    assert "'many' at 'MaxRecords'" in raised.value.message
    assert "'yesterday' at 'StartTime'" in raised.value.message


def test_what_is_missing_is_named_where_it_is_missing(eb):
    form = b"ApplicationName=a&Filters.member.1.Type=x&VersionLabel.odd=1"
    with pytest.raises(WireFault, match="'VersionLabel'"):
        query.parse(eb, "CreateApplicationVersion", form)


def test_unknown_names_are_told_apart_and_are_no_error(eb):
    form = b"Action=DescribeEvents&Version=2010-12-01&X-Amz-Date=1&Colour=red&MaxRecords.a=1"
    assert query.parse(eb, "DescribeEvents", form) == ({}, ("Colour", "MaxRecords.a"))


def test_an_unknown_action_is_a_fault(eb):
    with pytest.raises(WireFault) as raised:
        query.parse(eb, "MakeCoffee", b"")
    assert (raised.value.code, raised.value.status) == ("InvalidAction", 400)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (b"a=1&" * 5_001, "MalformedQueryString"),
        (b"ApplicationName=" + b"x" * (1 << 20), "MalformedQueryString"),
        (b"ApplicationName=%ff", "MalformedQueryString"),
        (b"ApplicationName=\xff", "MalformedQueryString"),
        (b"ApplicationName" + b".a" * 40 + b"=1", "MalformedQueryString"),
        (b"EnvironmentNames.member.10001=a", "ValidationError"),
    ],
)
def test_requests_that_are_too_large_are_refused(eb, form, code):
    with pytest.raises(WireFault) as raised:
        query.parse(eb, "DescribeEnvironments", form)
    assert raised.value.code == code


def test_limits_are_arguments(eb):
    with pytest.raises(WireFault):
        query.parse(eb, "DescribeEvents", b"a=1&b=2", Limits(params_max=1))


def test_a_timestamp_is_read_however_it_is_spelled(eb):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    spellings = ("2026-01-02T03:04:05.678Z", "2026-01-02T05:04:05.678000%2B02:00", "1767323045.678")
    for spelling in spellings:
        form = b"StartTime=" + spelling.encode()
        assert query.parse(eb, "DescribeEvents", form).members == {"StartTime": moment}


def test_a_timestamp_is_written_with_milliseconds_in_utc(eb):
    for moment in (datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), 1767323045.678):
        body = query.serialize(eb, "DescribeEvents", {"Events": [{"EventDate": moment}]}, "r")
        assert b"<EventDate>2026-01-02T03:04:05.678Z</EventDate>" in body


def test_empty_lists_are_there_and_absent_members_are_not(eb):
    body = query.serialize(eb, "DescribeEvents", {"Events": [], "NextToken": None}, "r")
    assert body == (
        b'<DescribeEventsResponse xmlns="http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/">'
        b"<DescribeEventsResult><Events></Events></DescribeEventsResult>"
        b"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeEventsResponse>"
    )


def test_an_operation_without_output_still_has_a_request_id(eb):
    body = query.serialize(eb, "RebuildEnvironment", {}, "r")
    assert body == (
        b'<RebuildEnvironmentResponse xmlns="http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/">'
        b"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></RebuildEnvironmentResponse>"
    )


@given(st.text(st.characters(), max_size=20))
def test_any_text_makes_a_well_formed_document(eb, clients, text):
    body = query.serialize(eb, "DescribeEvents", {"Events": [{"Message": text}]}, REQUEST_ID)
    (event,) = answer_of(clients.model("elasticbeanstalk"), "DescribeEvents", body)["Events"]
    assert len(event["Message"]) == len(text)


@pytest.mark.parametrize(
    "result", [{"Evnets": []}, {"Events": [{"Message": 1}]}, {"Events": [{"EventDate": "now"}]}]
)
def test_a_result_that_does_not_fit_the_model_is_a_bug(eb, result):
    with pytest.raises((TypeError, ValueError)):
        query.serialize(eb, "DescribeEvents", result, "r")


def test_errors_are_read_by_botocore(eb, clients):
    fault = WireFault("InvalidParameterValue", "No Application named 'a & b' found.")
    body = query.error(fault, REQUEST_ID, eb.xml_namespace)
    response = {"status_code": fault.status, "headers": {}, "body": body}
    shape = clients.model("elasticbeanstalk").operation_model("DescribeEvents").output_shape
    parsed = create_parser("query").parse(response, shape)
    assert parsed["Error"] == {"Type": "Sender", "Code": fault.code, "Message": fault.message}
    assert parsed["ResponseMetadata"]["RequestId"] == REQUEST_ID


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text("Aa.1=&%+EnviromtNamesgsOptiSt", max_size=80))
def test_arbitrary_forms_raise_nothing_but_faults(eb, form):
    for operation in ("UpdateEnvironment", "DescribeEvents", "ListPlatformBranches"):
        with suppress(WireFault):
            query.parse(eb, operation, form)
