"""What applications and versions may be called, and their tags."""

from __future__ import annotations

import pytest

from jackbean.core.applications import Application, Tags, Version, check_tags
from jackbean.core.errors import Fault

BAD_NAMES = ["", " ", "a/b", "x" * 101, "a\nb", "a\x00b", "a\x7fb", "\ud800", "\u202ea"]


@pytest.mark.parametrize("name", ["a", "My App", "x" * 100, "été-1_2:3", "日本"])
def test_names(name: str) -> None:
    assert Application(name).name == name
    assert Version("app", name).label == name


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(name: str) -> None:
    with pytest.raises(Fault, match="'ApplicationName' failed to satisfy") as caught:
        Application(name)
    assert caught.value.code == "InvalidParameterValue"
    with pytest.raises(Fault, match="'VersionLabel' failed to satisfy"):
        Version("app", name)


def test_a_fault_does_not_repeat_a_book() -> None:
    with pytest.raises(Fault) as caught:
        Application("x" * 100_000)
    assert len(caught.value.message) < 300


def test_descriptions_have_200_characters() -> None:
    assert Application("a", "d" * 200).description
    for make in (lambda: Application("a", "d" * 201), lambda: Version("a", "v", "d" * 201)):
        with pytest.raises(Fault, match="201 characters; at most 200"):
            make()


GOOD_TAGS = {
    "none": (),
    "plain": (("Team", "web"),),
    "all characters": (("a B_1.:/=+-@", "c D_2.:/=+-@"),),
    "no value": (("key", ""),),
    "longest": (("k" * 128, "v" * 256),),
    "most": tuple((f"k{n}", "v") for n in range(50)),
    "other scripts": (("équipe", "日本"),),
}


@pytest.mark.parametrize("tags", GOOD_TAGS.values(), ids=GOOD_TAGS.keys())
def test_tags(tags: Tags) -> None:
    check_tags(tags)


BAD_TAGS = {
    "no key": ((("", "v"),), "1 to 128 characters"),
    "long key": ((("k" * 129, "v"),), "1 to 128 characters"),
    "long value": ((("k", "v" * 257),), "more than 256 characters"),
    "reserved": ((("aws:cloudformation:x", "v"),), "reserved"),
    "reserved in any case": ((("AWS:x", "v"),), "reserved"),
    "Elastic Beanstalk's": ((("elasticbeanstalk:environment-id", "v"),), "reserved"),
    "characters": ((("k", "v;"),), "letters, digits"),
    "control characters": ((("k\x00", "v"),), "letters, digits"),
    "too many": (tuple((f"k{n}", "v") for n in range(51)), "51 tags, and at most 50"),
}


@pytest.mark.parametrize(("tags", "why"), BAD_TAGS.values(), ids=BAD_TAGS.keys())
def test_bad_tags(tags: Tags, why: str) -> None:
    with pytest.raises(Fault, match=why):
        check_tags(tags)


def test_all_that_is_wrong_with_tags_is_told_at_once() -> None:
    with pytest.raises(Fault) as caught:
        check_tags((("aws:x", "v"), ("y", "v" * 300)))
    assert "'aws:x'" in caught.value.message
    assert "'y'" in caught.value.message
