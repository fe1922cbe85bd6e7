"""Instance keys as instructions: what each attribute means, and every fault with its line."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.core.instructions import (
    Archive,
    Command,
    Extension,
    File,
    Group,
    Origin,
    Package,
    Service,
    User,
    from_json,
    to_json,
)
from jackbean.sources.credentials import Credential, location, read_credentials
from jackbean.sources.extensions import INSTANCE_KEYS, read_config
from jackbean.sources.instance_keys import read_instance_keys
from jackbean.sources.reading import Findings, Reader

CREDENTIALS = {
    "Mine": Credential("s3", buckets=("mine",)),
    "Basic": Credential("basic", uris=("https://example.com/",), user="me", password="pw"),
}


def read(text: str) -> tuple[Extension, Findings]:
    file = read_config("01.config", text.encode())
    assert file.faults == ()
    findings = Findings()
    reader = Reader("01.config", file.keys, findings, file.lines)
    return read_instance_keys(reader, CREDENTIALS), findings


def good(text: str) -> Extension:
    extension, findings = read(text)
    assert (findings.faults, findings.warnings) == ([], [])
    assert from_json(to_json(extension)) == extension
    return extension


def test_packages_come_manager_by_manager() -> None:
    text = """
packages:
  python: {httpie: 3.2.2}
  yum:
    git: []
    jq: ''
    libpq-devel: ~
    httpd: [2.4, 2.2]
  rpm: {epel: http://example.com/epel.rpm}
"""
    assert good(text).packages == (
        Package("rpm", "epel", ("http://example.com/epel.rpm",)),
        Package("yum", "git"),
        Package("yum", "jq"),
        Package("yum", "libpq-devel"),
        Package("yum", "httpd", ("2.4", "2.2")),
        Package("python", "httpie", ("3.2.2",)),
    )


def test_groups_and_users() -> None:
    text = (
        "groups:\n  a:\n  b: {gid: '45'}\nusers:\n  c: {uid: 50, groups: [a, b], homeDir: /tmp}\n"
    )
    found = good(text)
    assert found.groups == (Group("a"), Group("b", 45))
    assert found.users == (User("c", 50, ("a", "b"), "/tmp"),)


def test_mistake_17_scalars_become_texts() -> None:
    text = """
files:
  /a:
    mode: 0644
    content: 22:22
  /b:
    content: {on: true, time: 2026-01-01, none: null, number: 1.10}
commands:
  1: {command: yes, env: {A: on, B: 0755, C: 1e3, D: null}, ignoreErrors: yes}
"""
    found = good(text)
    assert found.files[0] == File("/a", "22:22", mode=0o644)
    assert found.files[1].content == (
        '{\n  "on": "true",\n  "time": "2026-01-01",\n  "none": null,\n  "number": "1.10"\n}'
    )
    env = {"A": "on", "B": "0755", "C": "1e3", "D": ""}
    assert found.commands == (Command("1", "yes", env=env, ignore_errors=True),)


def test_files_come_in_the_order_of_their_paths() -> None:
    text = """
files:
  "/z/../../etc/x": {content: ""}
"""
    _, findings = read(text)
    assert "is not an absolute path" in findings.faults[0]
    text = """
files:
  "//b//c/": {content: x}
"""
    assert "this is a folder" in read(text)[1].faults[0]
    text = """
files:
  /b: {content: /a, mode: "120644"}
  /a:
    content: aGk=
    encoding: base64
    mode: "000400"
    owner: root
    group: "1000"
    context: {a: {b: [c]}}
  /c: {source: "https://s3.amazonaws.com/mine/key", authentication: Mine}
  /d: {source: "https://example.com/x", authentication: Basic}
"""
    assert good(text).files == (
        File("/a", "aGk=", True, mode=0o400, group="1000", context={"a": {"b": ["c"]}}),
        File("/b", "/a", mode=0o120644),
        File("/c", origin=Origin("https://s3.amazonaws.com/mine/key", "mine", "key")),
        File("/d", origin=Origin("https://example.com/x", user="me", password="pw")),
    )


def test_sources_use_credentials_by_address() -> None:
    text = "sources:\n  /opt/b: https://example.com/b.zip\n  /opt/a: s3://mine/a.tgz\n"
    assert good(text).sources == (
        Archive("/opt/a", Origin("s3://mine/a.tgz", "mine", "a.tgz")),
        Archive("/opt/b", Origin("https://example.com/b.zip", user="me", password="pw")),
    )


def test_commands_come_in_the_order_of_their_names() -> None:
    text = """
commands:
  b: {command: [a, "b c"], cwd: /x, test: "true", waitAfterCompletion: 0}
  a: {command: "x | y"}
container_commands:
  z: {command: migrate, leader_only: true}
"""
    found = good(text)
    assert found.commands == (
        Command("a", "x | y"),
        Command("b", argv=("a", "b c"), cwd="/x", test="true"),
    )
    assert found.container_commands == (Command("z", "migrate", leader_only=True),)


def test_services() -> None:
    text = """
services:
  sysvinit:
    nginx: {enabled: true, ensureRunning: "true", files: /etc/x, packages: {yum: [nginx]}}
  systemd:
    mine.service: {ensureRunning: false, commands: [a, b], sources: [/opt/x]}
    as-it-is:
"""
    assert good(text).services == (
        Service("nginx", True, True, ("/etc/x",), packages={"yum": ("nginx",)}),
        Service("mine", None, False, (), ("/opt/x",), ("a", "b")),
        Service("as-it-is"),
    )


FAULTS: dict[str, tuple[str, str]] = {
    "packages as a list": ("packages: {yum: [git]}", r"packages: yum: .*as in `git: \[\]`,"),
    "a package's name": ("packages: {yum: {'-y': []}}", "not the name of a package"),
    "a version": ("packages: {yum: {git: [{}]}}", "a single value is expected"),
    "a group's name": ("groups: {'a:b': {}}", "no name of a user or a group"),
    "a gid": ("groups: {a: {gid: many}}", "'many' is not a number"),
    "a user's group": ("users: {a: {groups: ['x:y']}}", "no name of a user or a group"),
    "a home": ("users: {a: {homeDir: here}}", "'here' is not an absolute path"),
    "a source": ("sources: {/a: ftp://x/y}", "not an address that begins with https://"),
    "a source of a file": ("files: {/a: {source: 'file:///etc/shadow'}}", "not an address"),
    "a place": ("sources: {a: https://x/y}", "not an absolute path"),
    "Windows": ("files: {'C:\\x': {content: x}}", "a path of Windows"),
    "content and source": ("files: {/a: {content: x, source: https://x/y}}", "either content or"),
    "neither": ("files: {/a: {mode: '644'}}", "either content or source"),
    "a mode": ("files: {/a: {content: x, mode: rw}}", "'rw' is not a mode"),
    "a decimal mode": ("files: {/a: {content: x, mode: 493}}", "'493' is not a mode"),
    "a device": ("files: {/a: {content: x, mode: '060644'}}", "neither a file's nor a link's"),
    "a link to nowhere": ("files: {/a: {content: '', mode: '120644'}}", "the path it leads to"),
    "encoding": ("files: {/a: {content: x, encoding: hex}}", "neither plain nor base64"),
    "base64": ("files: {/a: {content: '!', encoding: base64}}", "it is not base64"),
    "an owner": ("files: {/a: {content: x, owner: 'a b'}}", "not the name of a user"),
    "authentication": (
        "files: {/a: {source: https://x/y, authentication: None}}",
        "there is no AWS::CloudFormation::Authentication 'None'",
    ),
    "no command": ("commands: {a: {test: x}}", "it has no `command`"),
    "a bare command": ("commands: {a: ls}", "written as `command: ls`"),
    "a truth": ("commands: {a: {command: x, ignoreErrors: maybe}}", "neither true nor false"),
    "a variable": ("commands: {a: {command: x, env: {'A=B': c}}}", "the name of a variable"),
    "variables": ("commands: {a: {command: x, env: [A]}}", "a mapping of variables is expected"),
    "a service": ("services: {systemd: {'a b': {}}}", "not the name of a service"),
    "a list of commands": ("commands: [a]", "a mapping of commands is expected here, not a list"),
    "too many": (
        "commands: {" + ", ".join(f"c{n}: {{command: x}}" for n in range(1_001)) + "}",
        "it has 1001 entries; at most 1000",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "says"), FAULTS.values(), ids=FAULTS)
def test_faults_name_file_line_and_key(text: str, says: str) -> None:
    _, findings = read(f"# a comment\n{text}\n")
    assert findings.faults, findings
    assert re.search(says, findings.faults[0]), findings.faults
    key = text.partition(":")[0]
    assert findings.faults[0].startswith(f"01.config: line 2: {key}")


WARNINGS: dict[str, tuple[str, str]] = {
    "an attribute": ("commands: {a: {command: x, comand: y}}", "'comand' is not an attribute"),
    "leader_only too early": ("commands: {a: {command: x, leader_only: true}}", "'leader_only' is"),
    "Windows packages": ("packages: {msi: {a: https://x/a.msi}}", "'msi' is for Windows"),
    "a manager": ("packages: {brew: {git: []}}", "no package manager that is known"),
    "Windows services": ("services: {windows: {a: {}}}", "services of 'windows' are passed over"),
    "a test of the leader's": (
        "container_commands: {a: {command: x, leader_only: true, test: y}}",
        "it is ignored",
    ),
    "several commands in one": ("commands: {a: {command: ['ls /', 'ls']}}", "not several commands"),
}


@pytest.mark.parametrize(("text", "says"), WARNINGS.values(), ids=WARNINGS)
def test_warnings(text: str, says: str) -> None:
    _, findings = read(text)
    assert findings.faults == []
    (warning,) = findings.warnings
    assert says in warning


def test_all_faults_are_found_at_once() -> None:
    text = "\n".join(f"  c{n}: {{test: x}}" for n in range(5))
    _, findings = read(f"commands:\n{text}\n")
    assert [fault.split(":")[1] for fault in findings.faults] == [
        f" line {line}" for line in range(2, 7)
    ]


LOCATIONS = {
    "https://s3.amazonaws.com/mine/a/b": ("mine", "a/b"),
    "https://s3-eu-west-1.amazonaws.com/mine/a%20b": ("mine", "a b"),
    "https://s3.eu-west-1.amazonaws.com/mine/a": ("mine", "a"),
    "https://mine.s3.amazonaws.com/a": ("mine", "a"),
    "https://mine.s3.eu-west-1.amazonaws.com/a": ("mine", "a"),
    "https://my.own.s3-eu-west-1.amazonaws.com/a": ("my.own", "a"),
    "s3://mine/a": ("mine", "a"),
    "http://127.0.0.1:7000/mine/a": ("mine", "a"),
    "http://localhost/mine/a?x=y": ("mine", "a"),
    "https://example.com/mine/a": ("", ""),
    "https://s3.amazonaws.com/mine": ("", ""),
    "https://s3.amazonaws.com.evil.com/mine/a": ("", ""),
    "https://[::1/mine/a": ("", ""),
    "https://s3.amazonaws.com/M_INE/a": ("", ""),
}


@pytest.mark.parametrize(("url", "wanted"), LOCATIONS.items())
def test_objects_are_told_from_other_addresses(url: str, wanted: tuple[str, str]) -> None:
    assert location(url) == wanted


def test_credentials_are_read_from_the_group_only() -> None:
    said = {"type": "basic", "username": "u", "password": "p", "uris": ["https://x/"]}
    metadata = {"Metadata": {"AWS::CloudFormation::Authentication": {"A": said, "B": 7}}}
    wanted = Credential("basic", ("https://x/",), (), "u", "p")
    assert read_credentials({"AWSEBAutoScalingGroup": metadata}) == {"A": wanted}
    assert read_credentials({"Other": metadata}) == {}
    assert "'p'" not in repr(wanted)
    for odd in ({}, {"AWSEBAutoScalingGroup": 7}, {"AWSEBAutoScalingGroup": {"Metadata": []}}):
        assert read_credentials(odd) == {}


TREES: Any = st.recursive(
    st.none() | st.text(alphabet="a/:\\0x", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "command",
                    "files",
                    "yum",
                    "content",
                    "source",
                    "mode",
                    "/a",
                    "env",
                    "systemd",
                    "x",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
KEYS = st.dictionaries(
    st.sampled_from(sorted(INSTANCE_KEYS)),
    TREES,
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(KEYS)
def test_any_tree_is_instructions_or_faults(tree: Any) -> None:
    findings = Findings()
    extension = read_instance_keys(Reader("x", tree, findings), CREDENTIALS)
    assert from_json(to_json(extension)) == extension
