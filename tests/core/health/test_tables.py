"""The tables that health is judged by, and the options that change them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from jackbean.core.fleet import Machine, Service
from jackbean.core.health.basic import basic_color, passes
from jackbean.core.health.causes import CAUSES_MAX, bounded, essence, percent, spell
from jackbean.core.health.options import HealthOptions
from jackbean.core.health.shapes import zone
from jackbean.core.health.statuses import COUNTED, HealthStatus, status_of
from jackbean.core.health.thresholds import DEFAULTS, MEANINGS, Thresholds
from jackbean.core.options.settings import Setting, Settings

Make = Any
REPORTING = "aws:elasticbeanstalk:healthreporting:system"


def test_statuses_and_their_colors() -> None:
    assert {str(s): s.color for s in HealthStatus} == {
        "Ok": "Green", "Info": "Green", "Pending": "Grey", "Unknown": "Grey", "NoData": "Grey",
        "Warning": "Yellow", "Degraded": "Red", "Severe": "Red", "Suspended": "Grey",
    }  # fmt: skip


def test_the_numbers_that_are_published() -> None:
    assert {str(s): s.number for s in HealthStatus if s.number is not None} == {
        "Ok": 0, "Info": 1, "Unknown": 5, "NoData": 10, "Warning": 15, "Degraded": 20, "Severe": 25,
    }  # fmt: skip


def test_ranks_count_up_so_that_they_index() -> None:
    assert [s.rank for s in HealthStatus] == list(range(9))
    assert [s.rank for s in COUNTED] == list(range(8))


@pytest.mark.parametrize("status", list(HealthStatus))
def test_a_status_is_found_by_its_spelling(status: HealthStatus) -> None:
    assert status_of(str(status)) is status
    assert status_of(str(status).upper()) is None


def test_basic_health_has_no_status() -> None:
    assert status_of("") is None


def test_every_threshold_has_a_meaning() -> None:
    assert list(MEANINGS) == [f.name for f in fields(Thresholds)]


@pytest.mark.parametrize(
    "change",
    [{"failing_info": 0.06}, {"failing_severe": 0.1}, {"erring_severe": 1.1}, {"unknown_s": 99.0},
     {"basic_yellow": 4}],
)  # fmt: skip
def test_thresholds_that_fall_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must not fall"):
        replace(DEFAULTS, **change)


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [(-1, "0 seconds"), (0.9, "0 seconds"), (1, "1 second"), (79, "79 seconds"),
     (119.9, "119 seconds"), (120, "2 minutes"), (37 * 60, "37 minutes"), (7199, "119 minutes"),
     (7200, "2 hours"), (172_799, "47 hours"), (172_800, "2 days"), (1e9, "11574 days")],
)  # fmt: skip
def test_durations(seconds: float, spelled: str) -> None:
    assert spell(seconds) == spelled


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(999, 1000, 99), (1000, 1000, 100), (1, 100, 1), (29, 100, 29)]
)
def test_percent_never_claims_all_of_less(part: int, whole: int, shown: int) -> None:
    assert percent(part, whole) == shown


def test_causes_are_bounded() -> None:
    assert bounded(["a", "b", "a"]) == ("a", "b")
    assert len(bounded(map(str, range(99)))) == CAUSES_MAX


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("No data. Last seen 61 seconds ago.", "No data. Last seen 37 minutes ago.", True),
        ("5% of the requests are failing", "16% of the requests are failing", True),
        ("There are no instances.", "None of the instances are sending data.", False),
    ],
)
def test_the_essence_of_a_cause_has_no_numbers(one: str, other: str, same: bool) -> None:
    assert (essence([one]) == essence([other])) is same


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        ("", True),
        ('{"Rules":{"Environment":{"Application":{"ApplicationRequests4xx":{"Enabled":false}}}}}',
         False),
        ('{"Rules":{"Environment":{"Application":{"ApplicationRequests4xx":{"Enabled":true}}}}}',
         True),
        ('{"Rules":{"Environment":{"ELB":{"ELBRequests4xx":{"Enabled":false}}}}}', True),
        ('{"Rules": []}', True),
        ("[" * 100_000, True),
        ("[" * 60_000, True),
        ("not JSON", True),
        ('"Rules"', True),
    ],
)  # fmt: skip
def test_the_document_of_rules(document: str, counts: bool) -> None:
    options = HealthOptions.of(Settings([Setting(REPORTING, "ConfigDocument", document)]))
    assert options.erring is counts


def test_options() -> None:
    settings = Settings(
        [
            Setting(REPORTING, "SystemType", "basic"),
            Setting("aws:autoscaling:asg", "MinSize", "3"),
            Setting("aws:elasticbeanstalk:command", "Timeout", "900"),
            Setting("aws:autoscaling:launchconfiguration", "InstanceType", "t3.small"),
        ]
    )
    assert HealthOptions.of(settings) == HealthOptions(
        enhanced=False, minimum=3, erring=True, timeout_s=900, instance_type="t3.small"
    )
    assert HealthOptions.of(Settings()).enhanced


@pytest.mark.parametrize(
    ("before", "failures", "color"),
    [("Green", 0, "Green"), ("Green", 1, "Green"), ("Green", 2, "Yellow"), ("Yellow", 3, "Red"),
     ("Red", 0, "Green"), ("Grey", 1, "Grey"), ("Red", 1, "Red"), ("Green", 99, "Red")],
)  # fmt: skip
def test_basic_health(before: str, failures: int, color: str) -> None:
    assert basic_color(before, failures, DEFAULTS) == color


def test_a_basic_check_passes_while_one_instance_serves(make: Make) -> None:
    sick = make.instance(passes=0)
    assert passes((sick, make.instance()), balanced=True)
    assert not passes((sick,), balanced=True)
    assert not passes((make.instance(service=Service.DRAINING),), balanced=True)
    assert passes((sick,), balanced=False)
    assert not passes((make.instance(machine=Machine.EXITED),), balanced=False)
    assert not passes((), balanced=False)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:elasticbeanstalk:eu-west-3::platform/Python 3.11/4.0.0", "eu-west-3a"),
        ("arn:aws:elasticbeanstalk", ""),
        ("", ""),
        (":::::", ""),
    ],
)
def test_the_availability_zone(arn: str, name: str) -> None:
    assert zone(arn) == name
