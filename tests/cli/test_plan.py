"""`jb plan` against an installation in memory, over HTTP."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from jackbean.cli import planview
from jackbean.cli.lines import Spans
from jackbean.cli.screen import Screen
from tests.api.rig import ADMIN, PlantRig, ask, option
from tests.cli.conftest import Run
from tests.control.rig import COMMAND

LAUNCH = "aws:autoscaling:launchconfiguration"


def _handler(rig: PlantRig) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            url = f"http://{self.headers['Host']}{self.path}"
            answer = rig.run(ask(rig.door, "POST", url, dict(self.headers), body))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlantRig]:
    """Serve an environment of three, deployed to in batches of one."""
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    settings = {"DeploymentPolicy": "Rolling", "BatchSizeType": "Fixed", "BatchSize": "1"}
    balancer = option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
    with PlantRig(blobs) as rig:
        rig.launch(
            "shop-dev",
            3,
            OptionSettings=[
                *(option(COMMAND, name, value) for name, value in settings.items()),
                balancer,
            ],
        )
        with HTTPServer(("127.0.0.1", 0), _handler(rig)) as server:
            for name, value in {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
                "AWS_ACCESS_KEY_ID": ADMIN[0],
                "AWS_SECRET_ACCESS_KEY": ADMIN[1],
                "AWS_REGION": "us-east-1",
            }.items():
                monkeypatch.setenv(name, value)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield rig
            server.shutdown()
            thread.join()


@pytest.fixture
def app(project: Path) -> Path:
    """Set the folder up for application app."""
    config = project / ".elasticbeanstalk" / "config.yml"
    config.write_text(config.read_text().replace("application_name: shop", "application_name: app"))
    return project


# What is drawn


@pytest.mark.usefixtures("rig")
def test_a_version_that_is_there(run: Run) -> None:
    ran = run("plan", "shop-dev", "--version", "v2")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    title = "shop-dev gets version v2 in place of v1, by Rolling in 3 batches of at most 1."
    assert lines[0] == title
    drawn = [line.split("  ") for line in lines if " s  " in line]
    assert [(row[-2], row[-1]) for row in drawn][:4] == [
        ("███", "As it is now."),
        ("███", "Batch 1 begins: 1 instance."),
        ("██░", "1 instance out of service."),
        ("██▓", "1 instance in service with the new release."),
    ]
    assert lines[lines.index("") :].count("  At least 2 of 3 are in service at every moment.") == 1
    assert "What can go wrong" in lines
    assert "\x1b" not in ran.out, "no colours in a pipe"


@pytest.mark.usefixtures("rig")
def test_another_policy_and_its_batches(run: Run) -> None:
    policy = ("--policy", "RollingWithAdditionalBatch", "--batch-size", "2")
    plan = run("plan", "shop-dev", "--version", "v2", *policy, "--output", "json").document["Plan"]
    assert (plan["Policy"], plan["BatchSize"], plan["MostInstances"]) == (policy[1], 2, 5)
    share = ("--batch-size", "67%")
    plan = run("plan", "shop-dev", "--version", "v2", *share, "--output", "json").document["Plan"]
    assert plan["BatchSize"] == 3, "67 % of three, rounded up"


@pytest.mark.usefixtures("rig")
def test_settings_alone(run: Run) -> None:
    larger = run("plan", "shop-dev", f"{LAUNCH}:InstanceType=t3.large")
    assert larger.out.splitlines()[0] == "shop-dev gets other instances, by Disabled."
    assert "nobody is in service" in larger.out
    red = run("plan", "shop-dev", "COLOUR=red", "--output", "json")
    assert red.document["Change"] == "configure"
    gone = run("plan", "shop-dev", "COLOUR=", "--output", "json")
    assert gone.document["Change"] == "nothing", "it was not there"


@pytest.mark.usefixtures("rig")
def test_every_policy_side_by_side(run: Run) -> None:
    ran = run("plan", "shop-dev", "--version", "v2", "--compare")
    assert [line.split()[0] for line in ran.out.splitlines()[3:8]] == [
        "AllAtOnce",
        "Rolling*",
        "RollingWithAdditionalBatch",
        "Immutable",
        "TrafficSplitting",
    ]


@pytest.mark.usefixtures("rig")
@pytest.mark.parametrize(
    ("needs", "name"),
    [
        ("--recommend", "Immutable"),
        ("--no-extra-cost", "Rolling"),
        ("--max-extra 1", "RollingWithAdditionalBatch"),
        ("--fastest --downtime-ok", "AllAtOnce"),
        ("--rollback-within 1", "Immutable"),
        ("--no-two-versions", "None of them"),
        ("--no-two-versions --downtime-ok", "AllAtOnce"),
    ],
)
def test_recommendations(run: Run, needs: str, name: str) -> None:
    ran = run("plan", "shop-dev", "--version", "v2", *needs.split())
    lines = ran.out.splitlines()
    assert lines[0] == name
    assert "Why not" in lines
    assert ("To have it, set" in lines) is (name not in {"Rolling", "None of them"})


@pytest.mark.usefixtures("rig")
def test_there_is_nothing_to_recommend_where_no_instance_is_touched(run: Run) -> None:
    ran = run("plan", "shop-dev", f"{COMMAND}:Timeout=90", "--recommend")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:2] == [
        "None of them",
        "  No way is to be chosen: no instance is touched.",
    ]
    assert "  It takes 0.0 s." in ran.out.splitlines()


# This folder


def test_the_deployment_of_this_folder_uploads_nothing(run: Run, rig: PlantRig, app: Path) -> None:
    versions = rig.eb.describe_application_versions()["ApplicationVersions"]
    for command in (("plan",), ("deploy", "--plan")):
        ran = run(*command, "--output", "json")
        assert ran.code == 0, ran.err
        assert ran.document["Change"] == "deploy"
        assert ran.document["VersionLabel"].startswith("app-")
    assert rig.eb.describe_application_versions()["ApplicationVersions"] == versions
    assert rig.environment().operation is None


@pytest.mark.usefixtures("rig")
def test_config_files_of_this_folder_decide(run: Run, app: Path) -> None:
    folder = app / ".ebextensions"
    folder.mkdir()
    text = f"option_settings:\n  {LAUNCH}:\n    InstanceType: t3.large\n"
    (folder / "size.config").write_text(text)
    assert run("plan", "--output", "json").document["Change"] == "replace"
    (folder / "size.config").write_text("option_settings: [")
    ran = run("deploy", "--plan")
    assert ran.code == 4
    assert "size.config" in ran.err


# What cannot be


@pytest.mark.usefixtures("rig")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("plan shop-dev other-env", 2),
        ("plan shop-dev aws:autoscaling:asg:=3", 2),
        ("plan shop-dev --version v2 --batch-size many", 2),
        ("plan shop-dev --version v2 --policy Often", 2),
        ("plan shop-dev --version v2 --no-extra-cost --max-extra 3", 2),
        ("plan shop-dev --version v9", 4),
        ("plan nope --version v2", 4),
        ("plan shop-dev aws:autoscaling:asg:MinSize=none", 4),
    ],
)
def test_what_is_refused(run: Run, line: str, code: int) -> None:
    ran = run(*line.split())
    assert ran.code == code
    assert ran.err


def test_who_is_busy_is_said_to_be(run: Run, rig: PlantRig) -> None:
    rig.eb.update_environment(EnvironmentName="shop-dev", VersionLabel="v2")
    for verb in ("plan", "rollback"):
        ran = run(verb, "shop-dev", *(("--version", "v2") if verb == "plan" else ()))
        assert ran.code == 3
        assert "Watch it with `jb events --follow`" in ran.err


# Terminals


ANSWER: dict[str, Any] = {
    "EnvironmentName": "shop-dev",
    "Change": "deploy",
    "VersionLabel": "v2",
    "PreviousVersionLabel": "v1",
    "Warnings": ["A warning that people should read."],
    "Pace": {
        name: {"Seconds": 1.0, "Measured": name == "Prepare"}
        for name in ("Launch", "Prepare", "Change", "LastRequest")
    },
    "Plan": {
        "Policy": "Rolling",
        "Instances": 90,
        "BatchSize": 30,
        "Batches": 3,
        "Result": "succeeded",
        "Seconds": 12.0,
        "LowestInService": 60,
        "MostInstances": 90,
        "NobodySeconds": 0.0,
        "MixedSeconds": 6.0,
        "ExtraInstanceMinutes": 0.0,
        "Moments": [
            {"At": 0.0, "Old": 90, "New": 0, "Instances": 90, "Told": []},
            {"At": 1.0, "Old": 59, "New": 1, "Instances": 90, "Told": ["One of many."]},
        ],
        "Failures": [],
        "Aborts": [],
    },
}


def printed(columns: int, marks: dict[str, str]) -> list[str]:
    found = []
    for line in planview.lines(ANSWER, columns, marks):
        parts = line.parts if isinstance(line, Spans) else (line,)
        found.append("".join(part if isinstance(part, str) else part[0] for part in parts))
    return found


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_bars_fit(columns: int) -> None:
    lines = printed(columns, dict(planview.PLAIN_MARKS))
    assert max(map(len, lines[1:])) <= max(columns, 60)
    (bar,) = [line for line in lines if "One of" in line]
    assert bar.count("=") == 1, "whoever serves is seen"
    assert "#" in bar
    assert "." in bar


def test_colours_are_those_of_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().show({}, [Spans(("a", ("b", "green")))])
    assert capsys.readouterr().out == "ab\n"


def test_marks_of_a_terminal_that_knows_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", ascii_only)
    assert planview.marks() == planview.PLAIN_MARKS
