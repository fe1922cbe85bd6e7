"""`jb logs`: which flags go together, and how lines are chosen and shown."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest

from jackbean.cli.failures import Failure
from jackbean.cli.following import Asked, Found, Streamer, instant
from jackbean.cli.verbs.logs import COLOURS, Painter, last_lines, matcher
from tests.api.rig import PlantRig
from tests.cli.aws import Aws
from tests.cli.conftest import Run

NOW = 1_767_322_800.0  # 2026-01-02 03:00:00 UTC


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("90s", NOW - 90),
        ("10m", NOW - 600),
        ("2h", NOW - 7_200),
        ("1d", NOW - 86_400),
        ("2026-01-02T03:00:00+00:00", NOW),
        ("2026-01-02T03:00:00Z", NOW),
    ],
)
def test_since_when(said: str, at: float) -> None:
    assert instant(said, NOW) == at


@pytest.mark.parametrize("said", ["", "soon", "10", "10 m", "-1h", "10w", "2026-13-01"])
def test_what_is_no_time(said: str) -> None:
    with pytest.raises(click.UsageError, match="--since"):
        instant(said, NOW)


def test_lines_are_chosen_by_an_expression() -> None:
    assert matcher(None)("anything")
    assert matcher(r" 50[0-9] ")('"GET /" 503 12')
    assert not matcher("ERROR")("error")
    with pytest.raises(click.UsageError, match="--grep"):
        matcher("[")


def test_each_instance_has_a_colour() -> None:
    painter = Painter()
    colours = []
    for n in range(len(COLOURS) + 1):
        first, text = painter.line(Found(f"i-{n}", "/var/log/nginx/access.log", "a line")).parts
        assert first[0] == f"i-{n} nginx/access.log | "
        assert text == "a line"
        colours.append(first[1])
    assert colours == [*COLOURS, COLOURS[0]]
    assert painter.line(Found("i-1", "/var/log/x", "")).parts[0][1] == COLOURS[1]


@dataclass
class InMemory:
    """What a Streamer needs of a Cloud: AWS's own client, before an installation in memory."""

    logs: Any


def test_new_lines_of_log_groups_come_once(tmp_path: Path) -> None:
    with PlantRig(tmp_path) as rig:
        logs, prefix = rig.client("logs"), "/aws/elasticbeanstalk/shop-dev"
        cloud: Any = InMemory(logs)
        asked = Asked("shop-dev", since=rig.world.clock.now() - 60)
        with pytest.raises(Failure, match="--cloudwatch-logs enable"):
            next(Streamer(cloud, asked, ()).lines())
        for group in ("/var/log/a", "/var/log/b"):
            logs.create_log_group(logGroupName=prefix + group)
            logs.create_log_stream(logGroupName=prefix + group, logStreamName="i-1")

        def put(group: str, text: str) -> None:
            event = {"timestamp": int(rig.world.clock.now() * 1000), "message": text}
            logs.put_log_events(logGroupName=prefix + group, logStreamName="i-1", logEvents=[event])

        put("/var/log/a", "one")
        put("/var/log/b", "two")
        lines = Streamer(cloud, asked, ()).lines()
        assert [next(lines), next(lines)] == [
            Found("i-1", "/var/log/a", "one"),
            Found("i-1", "/var/log/b", "two"),
        ]
        put("/var/log/a", "three")
        assert next(lines) == Found("i-1", "/var/log/a", "three")
        other = Streamer(cloud, replace(asked, instances=("i-2",)), (prefix + "/var/log/a",))
        logs.create_log_stream(logGroupName=prefix + "/var/log/a", logStreamName="i-2")
        event = {"timestamp": int(rig.world.clock.now() * 1000), "message": "four"}
        logs.put_log_events(
            logGroupName=prefix + "/var/log/a", logStreamName="i-2", logEvents=[event]
        )
        assert next(other.lines()) == Found("i-2", "/var/log/a", "four")


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--file", "x"], "--file goes with --follow"),
        (["--since", "1m"], "--since goes with --follow"),
        (["--grep", "x"], "--grep goes with --follow"),
        (["-n", "0"], "--lines goes with --follow"),
        (["-g", "x"], "--log-group goes with --stream"),
        (["-g", "x", "-f"], "--log-group goes with --stream"),
        (["--follow", "--all"], "they do not follow"),
        (["--stream", "--zip"], "they do not follow"),
        (["-cw", "maybe"], "enable"),
        (["--gone", "-f"], "nothing more will come"),
    ],
)
def test_flags_that_do_not_go_together(
    run: Run, project: Path, aws: Aws, flags: list[str], why: str
) -> None:
    ran = run("logs", *flags)
    assert ran.code == 2
    assert why in ran.err
    assert aws.asked == []


def test_the_ends_of_logs_in_a_zip(tmp_path: Path) -> None:
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("var/log/b.log", "".join(f"line {n}\n" for n in range(150)))
        archive.writestr("var/log/a.log", b"\xff\n")
    text = last_lines(packed.read_bytes())
    rule = "-" * 40
    assert text.startswith(f"{rule}\n/var/log/a.log\n{rule}\n\ufffd\n\n{rule}\n/var/log/b.log\n")
    assert "line 49\n" not in text
    assert text.endswith("line 149")
    with pytest.raises(Failure, match="not a ZIP"):
        last_lines(b"nothing")


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (["-cw"], {"StreamLogs": "true"}),
        (["-cw", "disable"], {"StreamLogs": "false"}),
        (["-cw", "enable", "-cls", "environment-health"], {"HealthStreamingEnabled": "true"}),
        (["-cw", "-cls", "all"], {"StreamLogs": "true", "HealthStreamingEnabled": "true"}),
    ],
)
def test_streaming_is_switched_on_and_off(
    run: Run, project: Path, aws: Aws, flags: list[str], options: dict[str, str]
) -> None:
    aws.told = ["Successfully deployed new configuration to environment."]
    ran = run("logs", *flags)
    assert ran.code == 0, ran.err
    (form,) = [form for form in aws.asked if form["Action"] == "UpdateEnvironment"]
    names = [form[f"OptionSettings.member.{n + 1}.OptionName"] for n in range(len(options))]
    values = [form[f"OptionSettings.member.{n + 1}.Value"] for n in range(len(options))]
    assert dict(zip(names, values, strict=True)) == options
