"""The laws that Settings obeys, tried against a plain dict."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.options.settings import Setting, Settings, key

ASG = "aws:autoscaling:asg"
SCHEDULED = "aws:autoscaling:scheduledaction"
ENVIRONMENT = "aws:elasticbeanstalk:environment"

settings = st.builds(
    Setting,
    st.sampled_from([ASG, SCHEDULED, ENVIRONMENT, "aws:elasticbeanstalk:application:environment"]),
    st.sampled_from(["MinSize", "EnvironmentType", "Alpha", "PORT", "zeta"]),
    st.one_of(st.none(), st.text(max_size=3)),
    st.sampled_from(["", "AWSEBAutoScalingGroup", "night"]),
)
several = st.lists(settings, max_size=12)


def model(*sources: list[Setting]) -> dict[tuple[str, str, str], str | None]:
    return {s.key: s.value for source in sources for s in source}


@given(several, several)
def test_with_is_a_dict_update(first: list[Setting], second: list[Setting]) -> None:
    merged = Settings(first).with_(second)
    assert dict(merged.to_pairs()) == model(first, second)
    assert merged == Settings(first).with_(Settings(second)) == Settings([*first, *second])


@given(several, several)
def test_without_takes_away_what_is_named_and_nothing_else(
    first: list[Setting], second: list[Setting]
) -> None:
    gone = [s.key for s in second]
    left = Settings(first).without(gone)
    assert dict(left.to_pairs()) == {k: v for k, v in model(first).items() if k not in gone}
    assert left.without(gone) == left


@given(several)
def test_they_survive_storage(some: list[Setting]) -> None:
    original = Settings(some)
    stored = json.loads(json.dumps(original.to_pairs()))
    assert Settings.from_pairs(stored) == original
    assert Settings(original) == original
    assert hash(Settings.from_pairs(stored)) == hash(original)


@given(several)
def test_order_does_not_depend_on_arrival(some: list[Setting]) -> None:
    unique = list(Settings(some))
    assert list(Settings(reversed(unique))) == unique
    assert hash(Settings(reversed(unique))) == hash(Settings(unique))


@given(several)
def test_the_type_of_environment_comes_first_in_its_namespace(some: list[Setting]) -> None:
    listed = list(Settings([*some, Setting(ENVIRONMENT, "EnvironmentType", "LoadBalanced")]))
    assert [s.namespace for s in listed] == sorted(s.namespace for s in listed)
    assert next(s for s in listed if s.namespace == ENVIRONMENT).name == "EnvironmentType"


@given(several, several)
def test_differing_names_exactly_what_differs(first: list[Setting], second: list[Setting]) -> None:
    a, b = Settings(first), Settings(second)
    assert bool(a.differing(b)) == (a != b)
    assert a.without(a.differing(b)) == b.without(a.differing(b))


def test_a_resource_name_is_decoration() -> None:
    plain = Settings([Setting(ASG, "MinSize", "2")])
    assert plain == Settings([Setting(ASG, "MinSize", "2", "AWSEBAutoScalingGroup")])
    assert plain.without([(ASG, "MinSize", "AWSEBAutoScalingGroup")]) == Settings()


def test_a_resource_name_tells_scheduled_actions_apart() -> None:
    some = Settings(
        [Setting(SCHEDULED, "MinSize", n, r) for n, r in [("0", "night"), ("4", "day")]]
    )
    assert len(some) == 2
    assert some.resources(SCHEDULED) == {"night": {"MinSize": "0"}, "day": {"MinSize": "4"}}
    assert some.text(SCHEDULED, "MinSize", None, "day") == "4"
    assert some.without([key(SCHEDULED, "MinSize", "day")]).resources(SCHEDULED) == {
        "night": {"MinSize": "0"}
    }


@pytest.mark.parametrize(
    ("value", "number", "flag"),
    [
        ("7", 7, True),
        ("-1", -1, True),
        ("true", 3, True),
        ("False", 3, False),
        ("", 3, True),
        (None, 3, True),
        ("1e3", 3, True),
        ("9" * 400, 3, True),
        ("\u0661", 3, True),
    ],
)
def test_values_are_read_as_types_or_not_at_all(value: str | None, number: int, flag: bool) -> None:
    some = Settings([Setting(ASG, "MinSize", value)])
    assert some.number(ASG, "MinSize", 3) == number
    assert some.flag(ASG, "MinSize", default=True) is flag
    assert some.number(ASG, "MaxSize", 5) == 5


def test_a_value_that_is_missing_is_not_an_empty_one() -> None:
    some = Settings([Setting(ASG, "A", None), Setting(ASG, "B", "")])
    assert some.text(ASG, "A", "x") == "x"
    assert some.text(ASG, "B", "x") == ""
    assert some.namespace(ASG) == {"B": ""}
    assert (ASG, "A") in some
    assert (ASG, "C") not in some


def test_nothing_shows_a_value() -> None:
    secret = Setting("aws:elasticbeanstalk:application:environment", "TOKEN", "hunter2")
    assert "hunter2" not in repr(secret)
    assert "hunter2" not in repr(Settings([secret]))


@pytest.mark.parametrize(
    "pairs", [["ab"], [[["a", "b", ""], 1]], [[["a", "b"], "v"]], [None], [[[1, "b", ""], "v"]]]
)
def test_storage_of_another_shape_is_refused(pairs: list[object]) -> None:
    with pytest.raises(ValueError, match="stored setting"):
        Settings.from_pairs(pairs)
