"""One config file: what is read of it, and what is told of what cannot be."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.core.options.settings import Setting, Settings
from jackbean.sources.extensions import DEFAULT_NAMESPACE, SETTINGS_MAX, read_config

COMMAND = "aws:elasticbeanstalk:command"


def read(text: str | bytes) -> Settings:
    """Return the settings of a file that has nothing wrong with it."""
    file = read_config("01.config", text.encode() if isinstance(text, str) else text)
    assert (file.faults, file.warnings) == ((), ())
    return file.settings


GOOD = {
    "a list": (
        """
        option_settings:
          - namespace: aws:elasticbeanstalk:command
            option_name: Timeout
            value: 100
        """,
        [Setting(COMMAND, "Timeout", "100")],
    ),
    "a mapping": (
        """
        option_settings:
          aws:elasticbeanstalk:command:
            Timeout: 100
            IgnoreHealthCheck: true
        """,
        [Setting(COMMAND, "IgnoreHealthCheck", "true"), Setting(COMMAND, "Timeout", "100")],
    ),
    "JSON": (
        '{"option_settings": [{"namespace": "a:b", "option_name": "c", "value": "d"}]}',
        [Setting("a:b", "c", "d")],
    ),
    "a property, without a namespace": (
        "option_settings:\n  - option_name: COLOUR\n    value: red",
        [Setting(DEFAULT_NAMESPACE, "COLOUR", "red")],
    ),
    "the API's spelling": (
        "option_settings:\n  - {Namespace: 'a:b', OptionName: c, Value: d, ResourceName: R}",
        [Setting("a:b", "c", "d")],
    ),
    "a resource's name": (
        "option_settings:\n  AWSEBAutoScalingGroup.aws:autoscaling:asg:\n    MinSize: 2",
        [Setting("aws:autoscaling:asg", "MinSize", "2")],
    ),
    "a resource's name where it tells things apart": (
        "option_settings:\n  Night.aws:autoscaling:scheduledaction:\n    MinSize: 0",
        [Setting("aws:autoscaling:scheduledaction", "MinSize", "0", "Night")],
    ),
    "a namespace with a dot in its end": (
        "option_settings:\n  a:b.c:\n    d: e",
        [Setting("a:b.c", "d", "e")],
    ),
    "texts stay as they are written": (
        "option_settings:\n  n:\n    a: on\n    b: 000755\n    c: 1.10\n    d: ~\n    e: 0x1F",
        [
            Setting("n", "a", "on"),
            Setting("n", "b", "000755"),
            Setting("n", "c", "1.10"),
            Setting("n", "d", "~"),
            Setting("n", "e", "0x1F"),
        ],
    ),
    "the later of two": (
        "option_settings:\n  - {namespace: n, option_name: a, value: 1}\n"
        "  - {namespace: n, option_name: a, value: 2}",
        [Setting("n", "a", "2")],
    ),
    "a byte order mark": (b"\xef\xbb\xbfoption_settings: {n: {a: b}}", [Setting("n", "a", "b")]),
    "aliases": (
        "option_settings:\n  n: &all {a: b}\n  m: *all",
        [Setting("m", "a", "b"), Setting("n", "a", "b")],
    ),
    "nothing at all": ("", []),
    "a comment": ("# nothing yet", []),
    "no settings": ("option_settings:", []),
    "an empty namespace": ("option_settings:\n  n:", []),
}


@pytest.mark.parametrize(("text", "wanted"), GOOD.values(), ids=GOOD.keys())
def test_settings(text: str | bytes, wanted: list[Setting]) -> None:
    if isinstance(text, str):
        lines = text.splitlines()
        indent = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
        text = "\n".join(line[indent:] for line in lines)
    assert list(read(text)) == wanted


BAD = {
    "YAML": ("option_settings:\n\t- a", "contains invalid YAML or JSON"),
    "JSON": ('{"option_settings": [}', "contains invalid YAML or JSON"),
    "text": (b"\xff\xfe", "is not UTF-8 text"),
    "a list of keys": ("- a", "line 1: a mapping of keys is expected"),
    "a single word": ("word", "line 1: a mapping of keys is expected"),
    "an alias to nothing": ("option_settings: *nowhere", "invalid YAML"),
    "two documents": ("a: b\n---\nc: d", "invalid YAML"),
    "settings as a word": ("\noption_settings: yes", "line 2: option_settings is a list or a map"),
    "a setting as a word": ("option_settings:\n  - a", "line 2: an option setting has namespace"),
    "a setting without a name": ("option_settings:\n  - value: a", "line 2: .* needs option_name"),
    "a setting without a value": ("option_settings:\n  - option_name: a", "needs option_name and"),
    "a list of lists for a value": (
        "option_settings:\n  n:\n    a: [[b]]",
        "line 3: a single value",
    ),
    "a tag within a value": ("option_settings:\n  n:\n    a: {b: !Sub c}", "write it in full"),
    "a word for options": ("option_settings:\n  n: a", "line 2: 'n' needs option names"),
    "a list for a namespace": ("option_settings:\n  ? [a]\n  : b", "line 2: a single value"),
    "deep nesting": ("option_settings: " + "[" * 600, "nested too deeply"),
    "too many": (
        "option_settings:\n  n:\n" + "".join(f"    k{n}: v\n" for n in range(SETTINGS_MAX + 1)),
        f"more than {SETTINGS_MAX} option settings",
    ),
    "too many by aliases": (
        "option_settings:\n  n0: &a {"
        + ",".join(f"k{n}: v" for n in range(100))
        + "}\n"
        + "".join(f"  n{n}: *a\n" for n in range(1, 5000)),
        f"more than {SETTINGS_MAX} option settings",
    ),
    "a document many times by aliases": (
        "option_settings:\n  n:\n    k: &a {"
        + ",".join(f"k{n}: v" for n in range(1000))
        + "}\n"
        + "".join(f"    k{n}: *a\n" for n in range(30)),
        "more than 20000 values",
    ),
    "itself": ("option_settings: &me [*me]", "an option setting has"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD.keys())
def test_faults_name_the_file_and_the_line(text: str | bytes, why: str) -> None:
    file = read_config("01.config", text.encode() if isinstance(text, str) else text)
    (fault,) = file.faults
    assert "01.config" in fault
    assert re.search(why, fault), fault
    assert len(file.settings) == 0
    assert len(fault) < 1000


def test_an_unknown_key_skips_the_file() -> None:
    file = read_config("01.config", b"option_setings: {}\noption_settings: {n: {a: b}}")
    assert len(file.settings) == 0
    assert file.warnings == ("01.config: Contains invalid key: 'option_setings'. It is skipped.",)


def test_other_keys_are_kept_as_they_are_written() -> None:
    file = read_config("01.config", b"packages: {}\nfiles: {/a: {mode: 0644, content: on}}\n")
    assert file.keys == {"packages": {}, "files": {"/a": {"mode": "0644", "content": "on"}}}
    assert file.lines["files", "/a", "mode"] == 2


def test_an_option_that_is_a_function_is_kept_as_text() -> None:
    text = 'option_settings: {n: {a: {Ref: X}, b: \'`{"Ref":"X"}`\'}}'
    assert list(read(text)) == [
        Setting("n", "a", '`{"Ref": "X"}`'),
        Setting("n", "b", '`{"Ref":"X"}`'),
    ]


def test_all_faults_of_a_file_are_told_at_once() -> None:
    options = b"option_settings:\n  n:\n    a: [[1]]\n    b: {c: !Sub d}\n"
    text = options + b"Resources: 7\nfiles: {/a: !Ref x}"
    faults = read_config("01.config", text).faults
    assert [fault.split(": ")[1] for fault in faults] == ["line 3", "line 4", "line 6", "line 5"]


def test_what_is_there_twice_is_told() -> None:
    text = b"files:\n  /a: {content: x}\n  /a: {content: y}\nfiles: {}\n"
    first, second = read_config("01.config", text).warnings
    assert "line 3: /a is there twice" in first
    assert "line 4: files is there twice" in second


def test_merge_keys_and_aliases_mean_what_they_mean() -> None:
    text = b"files:\n  /a: &a {mode: 1, content: x}\n  /b: {<<: *a, content: y}\n"
    assert read_config("01.config", text).keys["files"]["/b"] == {"mode": "1", "content": "y"}


BOMBS = {
    "laughs": "files:\n  a0: &a0 [x]\n"
    + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    "large laughs": f"files:\n  a: &a {'x' * 100_000}\n  b: [{', '.join(['*a'] * 50)}]\n",
    "an endless list": "files: &a [*a]",
    "an endless mapping": "files: &a {b: *a}",
    "an endless merge": "files: &a {<<: *a}",
    "depth": "files: " + "[" * 60 + "]" * 60,
    "more depth": "files: " + "[" * 5_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused(text: str) -> None:
    (fault,) = read_config("01.config", text.encode()).faults
    assert fault.startswith("01.config")


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode(errors="replace")))
@settings(max_examples=80)
def test_any_bytes_are_settings_faults_or_warnings(content: bytes) -> None:
    file = read_config("x.config", content)
    assert not (file.faults and len(file.settings))


SNIPPETS = st.sampled_from(
    [
        "option_settings:",
        "\n  ",
        "- ",
        "n: ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "a",
        ",",
        "? ",
        "!!x ",
    ]
)


@given(st.lists(SNIPPETS, max_size=12).map("".join))
@settings(max_examples=80)
def test_what_is_nearly_yaml_is_no_surprise(text: str) -> None:
    read_config("x.config", text.encode())


def test_json_is_read_however_it_is_indented() -> None:
    text = '{\n\t"option_settings": {\n\t\t"a:b": {"c": "d\\te"}\n\t}\n}'
    assert read(text) == Settings([Setting("a:b", "c", "d\te")])


def test_a_pair_of_surrogates_is_one_character() -> None:
    found = read('{"option_settings": {"a:b": {"c": "\\ud83d\\ude00"}}}')
    assert found == Settings([Setting("a:b", "c", "\N{GRINNING FACE}")])


@pytest.mark.parametrize("text", ['commands: {a: {command: "\\ud800"}}', '{"\\udc00": {}}'])
def test_half_a_pair_is_no_character(text: str) -> None:
    (fault,) = read_config("01.config", text.encode()).faults
    assert fault.startswith("01.config: line 1: it has one half of a surrogate pair")


def test_places_of_settings_are_those_that_count() -> None:
    text = "option_settings:\n  - {namespace: 'a:b', option_name: c, value: d}\n"
    text += "  - {namespace: 'a:b', option_name: c, value: e}\n"
    assert read_config("01.config", text.encode()).places == {("a:b", "c"): 3}


def test_lists_have_commas_and_documents_are_json() -> None:
    text = """
option_settings:
  aws:elasticbeanstalk:customoption:
    Subnets: [subnet-1, subnet-2]
  aws:elasticbeanstalk:healthreporting:system:
    ConfigDocument:
      {"Version": 1, "Rules": {"On": false, "Text": "false", "P99.9": 0.5, "List": [a, 2]}}
"""
    subnets, document = (one.value for one in read(text))
    assert subnets == "subnet-1,subnet-2"
    rules = {"On": False, "Text": "false", "P99.9": 0.5, "List": ["a", 2]}
    assert json.loads(document) == {"Version": 1, "Rules": rules}
