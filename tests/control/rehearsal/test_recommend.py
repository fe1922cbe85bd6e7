"""Every way side by side, and which to choose: each need can turn the choice."""

from __future__ import annotations

from typing import Any

import pytest
from tests.control.rehearsal.made import COMMAND, ENVIRONMENT, LAUNCH, UPDATES, case, single

from jackbean.control.rehearsal.compare import Way, compare
from jackbean.control.rehearsal.recommend import Needs, Recommendation, recommend
from jackbean.core.options.settings import Setting

LARGER = {
    "changes": (Setting(LAUNCH, "InstanceType", "t3.large"),),
    "configuration_only": True,
}


@pytest.fixture(scope="module")
def ways() -> tuple[Way, ...]:
    return compare(case(3))


def named(ways: tuple[Way, ...]) -> dict[str, Way]:
    return {way.name: way for way in ways}


def chosen(ways: tuple[Way, ...], **needs: Any) -> str | None:
    made = recommend(ways, Needs(**needs))
    return made.chosen.name if made.chosen else None


def why_not(made: Recommendation, name: str) -> str:
    (verdict,) = [v for v in made.verdicts if v.way.name == name]
    return " ".join(verdict.reasons)


# Side by side


def test_every_policy_is_rehearsed_with_its_way_back(ways: tuple[Way, ...]) -> None:
    assert [way.name for way in ways] == [
        "AllAtOnce",
        "Rolling",
        "RollingWithAdditionalBatch",
        "Immutable",
        "TrafficSplitting",
    ]
    assert [way.name for way in ways if way.current] == ["Rolling"]
    backs = {way.name: way.back for way in ways if way.back}
    assert {name: back.alone for name, back in backs.items()} == {
        "AllAtOnce": False,
        "Rolling": False,
        "RollingWithAdditionalBatch": False,
        "Immutable": True,
        "TrafficSplitting": True,
    }
    again = named(ways)["Rolling"].rehearsal
    assert again is not None
    assert backs["Rolling"].seconds == pytest.approx(again.ending.after_s or 0, abs=4.5)
    assert backs["Immutable"].seconds == 0.25


def test_the_settings_of_another_way(ways: tuple[Way, ...]) -> None:
    immutable = [(s.namespace, s.name, s.value) for s in named(ways)["Immutable"].changes]
    assert immutable == [(COMMAND, "DeploymentPolicy", "Immutable")]
    assert named(ways)["Rolling"].changes == ()


def test_who_chooses_batches_does_not_want_everybody_in_one() -> None:
    ways = named(compare(case(4, "AllAtOnce", 4)))
    rolling = ways["Rolling"].rehearsal
    assert rolling is not None
    assert rolling.measures.lowest == 2
    assert {s.name for s in ways["Rolling"].changes} == {
        "DeploymentPolicy",
        "BatchSizeType",
        "BatchSize",
    }


def test_what_an_environment_cannot_have_is_said() -> None:
    reasons = {way.name: way.reason for way in compare(single())}
    assert reasons["AllAtOnce"] == reasons["Immutable"] == ""
    assert "single" in reasons["Rolling"]
    assert "single" in reasons["TrafficSplitting"]
    classic = compare(case(2, "Rolling", 1, Setting(ENVIRONMENT, "LoadBalancerType", "classic")))
    assert "has a classic" in named(classic)["TrafficSplitting"].reason


def test_instances_that_are_replaced_have_ways_of_their_own() -> None:
    ways = compare(case(3, **LARGER))
    assert [way.name for way in ways] == ["Disabled", "Time", "Health", "Immutable"]
    assert [way.name for way in ways if way.current] == ["Disabled"]
    health = [(s.namespace, s.name, s.value) for s in named(ways)["Health"].changes]
    assert (UPDATES, "RollingUpdateType", "Health") in health
    disabled, careful = (named(ways)[n].rehearsal for n in ("Disabled", "Health"))
    assert disabled is not None
    assert careful is not None
    assert (disabled.measures.lowest, careful.measures.lowest) == (0, 3)
    assert [way.reason != "" for way in compare(single(**LARGER))] == [False, True, True, False]


def test_there_is_nothing_to_compare_where_no_instance_is_touched() -> None:
    longer = Setting(COMMAND, "Timeout", "700")
    ways = compare(case(3, changes=(longer,), configuration_only=True))
    assert ways == ()
    assert recommend(ways, Needs()).chosen is None


# Which to choose


def test_without_needs_the_one_that_goes_back_by_itself(ways: tuple[Way, ...]) -> None:
    assert chosen(ways) == "Immutable"


@pytest.mark.parametrize(
    ("needs", "name"),
    [
        ({"extra": 0}, "Rolling"),
        ({"extra": 1}, "RollingWithAdditionalBatch"),
        ({"extra": 3}, "Immutable"),
        ({"downtime_ok": True, "fastest": True}, "AllAtOnce"),
        ({"fastest": True}, "Immutable"),
        ({"fastest": True, "extra": 0}, "Rolling"),
        ({"back_s": 1.0}, "Immutable"),
        ({"back_s": 20.0, "extra": 0}, "Rolling"),
        ({"back_s": 1.0, "extra": 0}, None),
        ({"one_version": True}, None),
        ({"one_version": True, "downtime_ok": True}, "AllAtOnce"),
    ],
)
def test_each_need_turns_the_choice(
    ways: tuple[Way, ...], needs: dict[str, Any], name: str | None
) -> None:
    assert chosen(ways, **needs) == name


def test_why_the_chosen_one(ways: tuple[Way, ...]) -> None:
    says = recommend(ways, Needs(extra=0)).says
    assert "At least 2 of 3 are in service at every moment." in says
    assert "It needs no more instances than there are." in says
    assert "It takes 12 s." in says


def test_why_none_of_the_others(ways: tuple[Way, ...]) -> None:
    made = recommend(ways, Needs(extra=1))
    assert why_not(made, "AllAtOnce") == "It leaves nobody in service for 1.0 s."
    assert "leaves 2 of 3 in service instead of 3" in why_not(made, "Rolling")
    assert "3 more instances" in why_not(made, "Immutable")
    slow = recommend(ways, Needs())
    assert "takes 5.1 min instead of 11 s" in why_not(slow, "TrafficSplitting")
    assert "does not go back by itself" in why_not(slow, "Rolling")
    apart = recommend(ways, Needs(one_version=True, downtime_ok=True))
    assert "side by side for 6.0 s" in why_not(apart, "Rolling")
    back = recommend(ways, Needs(back_s=1.0))
    assert "deployed again" in why_not(back, "Rolling")
    assert "not 1.0 s" in why_not(back, "Rolling")


def test_where_none_fits_the_nearest_is_said(ways: tuple[Way, ...]) -> None:
    made = recommend(ways, Needs(one_version=True))
    assert made.says[0] == "No way meets all of this."
    assert any("swap their CNAMEs" in text for text in made.says)
    assert all(not v.meets for v in made.verdicts)


def test_a_single_instance() -> None:
    ways = compare(single())
    assert chosen(ways) == "Immutable"
    assert chosen(ways, extra=0) is None
    assert chosen(ways, extra=0, downtime_ok=True) == "AllAtOnce"
    assert "single" in why_not(recommend(ways, Needs()), "Rolling")
