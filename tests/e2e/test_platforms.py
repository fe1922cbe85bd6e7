"""The sample of every platform through the real server: it serves, and a broken version says why.

What a platform needs is the machine's or is fetched, as it would be for anybody. A test whose
language neither is here nor can be had says which program is absent.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.installation import ASG, Installation, bundle, installed, option, until
from tests.e2e.story import FAILED, end_of

pytestmark = pytest.mark.e2e

SAMPLES = Path(__file__).parents[2] / "samples"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
LAUNCH_S = 240.0
GREETING = 'it\'s "me" & co'


def packed(folder: Path, **more: str) -> bytes:
    """Return the bundle of a folder, as `unzip` would find it again: with permissions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(folder))
        for name, text in more.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def sample(name: str, **more: str) -> Callable[[Path], bytes]:
    return lambda _: packed(SAMPLES / name / "v1", **more)


def jar(scratch: Path) -> bytes:
    """Return the Java sample as a JAR, built by this machine's JDK for every Java from 11 on."""
    source = SAMPLES / "java/v1/src/Hello.java"
    subprocess.run(["javac", "--release", "11", "-d", scratch, source], check=True)
    manifest = scratch / "manifest.txt"
    manifest.write_text("Main-Class: Hello\n")
    target = scratch / "hello.jar"
    command = ["jar", "-c", "-f", target, "-m", manifest, "-C", scratch, "Hello.class"]
    subprocess.run(command, check=True)
    return target.read_bytes()


def two_jars(scratch: Path) -> bytes:
    return bundle({"a.jar": "one", "b.jar": "two"})


@dataclass(frozen=True)
class Case:
    """A platform, what is deployed on it, what it answers; a broken version and what that says."""

    running: str
    content: Callable[[Path], bytes]
    answer: str
    broken: Callable[[Path], bytes]
    says: tuple[str, ...]
    programs: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    settings: tuple[dict[str, str], ...] = field(default=())


GREETED = (option(PROPERTIES, "GREETING", GREETING),)
CASES = {
    "Express with a port of its own": Case(
        "Node.js 24",
        sample("nodejs"),
        "Hello from Express 4.21.2, version 1",
        lambda _: bundle(
            {
                "package.json": '{"dependencies": {"express": "0.0.777"}, '
                '"scripts": {"start": "node app.js"}}'
            }
        ),
        ("No matching version found for express@0.0.777",),
        warns=("The application listens on port 3000, not on ",),
    ),
    "Go from source": Case(
        "Go 1",
        sample("go"),
        "Hello from Go, version 1",
        lambda _: bundle({"application.go": "package main\n\nfunc main() {\n\tnonsense()\n}\n"}),
        ("./application.go:4:2: undefined: nonsense",),
    ),
    "a JAR": Case(
        "Corretto 21",
        jar,
        "Hello from Java, version 1",
        two_jars,
        ("There are several JARs (a.jar, b.jar) and no Procfile",),
        programs=("javac", "jar"),
    ),
    "Java from source": Case(
        "Corretto 17",
        sample("java"),
        "Hello from Java, version 1",
        lambda _: bundle({"Buildfile": "build: mvn-of-nobody package\n", "Procfile": "web: x\n"}),
        ("Buildfile command 'build' exited with code 127", "is not on this machine"),
        programs=("javac", "jar"),
    ),
    "a WAR": Case(
        "Tomcat 10 Corretto 17",
        sample("tomcat"),
        f"Hello from Tomcat, version 1; greeting: {GREETING}",
        lambda _: bundle({"hello/notes.txt": "x"}),
        ("neither WEB-INF nor WARs", "inside of one folder, hello/"),
        settings=GREETED,
    ),
    "PHP": Case(
        "PHP 8.2",
        sample("php"),
        f"Hello from PHP 8, version 1; greeting: {GREETING}",
        lambda _: bundle(
            {
                "index.php": "<?php",
                ".ebextensions/a.config": (
                    "option_settings:\n  aws:elasticbeanstalk:container:php:phpini:\n"
                    "    document_root: /web\n"
                ),
            }
        ),
        ("document_root is /web, and the bundle has no such folder",),
        programs=("php-fpm8.2", "php8.2"),
        settings=GREETED,
    ),
    "Sinatra": Case(
        "Ruby 3.2",
        sample("ruby"),
        "Hello from Sinatra",
        lambda _: bundle({"app.rb": "puts 1\n"}),
        ("There is no Procfile and no config.ru",),
        programs=("ruby3.1", "bundle", "puma"),
        warns=("Ruby 3.2 is not on this machine: its version 3.1 stands in",),
    ),
    ".NET": Case(
        ".NET 8",
        sample("dotnet"),
        "Hello from .NET 8, version 1",
        lambda _: bundle(
            {
                "Web.dll": "x",
                "Web.runtimeconfig.json": (
                    '{"runtimeOptions": {"framework": {"name": "Microsoft.AspNetCore.App", '
                    '"version": "8.0.0"}}}'
                ),
            }
        ),
        ("Web needs Microsoft.AspNetCore.App 8.0.0", "aspnetcore-runtime-8.0"),
    ),
}
SLOW = {"Go from source"}  # its library is compiled once for a machine: a minute


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


def parameters() -> list[object]:
    return [
        pytest.param(case, id=name, marks=(pytest.mark.slow,) if name in SLOW else ())
        for name, case in CASES.items()
    ]


def stack(one: Installation, running: str) -> str:
    found: list[str] = one.client().list_available_solution_stacks()["SolutionStacks"]
    return next(name for name in found if name.endswith(f" running {running}"))


def launch(one: Installation, case: Case, label: str) -> dict[str, object]:
    name = "platform-env"
    one.client().create_environment(
        ApplicationName=one.application,
        EnvironmentName=name,
        VersionLabel=label,
        SolutionStackName=stack(one, case.running),
        OptionSettings=[option(ASG, "MinSize", "1"), *case.settings],
    )
    deadline = time.monotonic() + LAUNCH_S
    while True:
        try:
            return one.rest(name)
        except AssertionError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize("case", parameters())
def test_the_sample_serves_and_a_broken_version_says_why(
    one: Installation, case: Case, tmp_path: Path
) -> None:
    absent = [program for program in case.programs if not shutil.which(program)]
    if absent:
        pytest.skip(f"{', '.join(absent)} not on this machine")
    label = case.running.replace(" ", "-")
    one.version(f"{label}-good", case.content(tmp_path))
    one.version(f"{label}-bad", case.broken(tmp_path))
    made = launch(one, case, f"{label}-good")
    try:
        story = "\n".join(one.events("platform-env"))
        assert made["Health"] == "Green", story
        assert case.answer in one.get(made)
        for text in case.warns:
            assert f"WARN {text}" in story
        request = one.begin("platform-env", VersionLabel=f"{label}-bad")
        one.rest("platform-env")
        assert end_of(one, "platform-env", request) == FAILED
        errors = "\n".join(e for e in one.events("platform-env", request) if e.startswith("ERR"))
        for text in case.says:
            assert text in errors, errors
        until(lambda: case.answer in one.get(made), 10, "the old version serves on")
    finally:
        one.terminate("platform-env")


def test_dependencies_are_resolved_once_for_all_instances(one: Installation) -> None:
    """Two instances and two deployments of one package.json: npm is run once."""
    label = one.version("npm-once", packed(SAMPLES / "nodejs/v1"))
    one.client().create_environment(
        ApplicationName=one.application,
        EnvironmentName="npm-env",
        VersionLabel=label,
        SolutionStackName=stack(one, "Node.js 24"),
        OptionSettings=[option(ASG, "MinSize", "2")],
    )
    try:
        made = one.rest("npm-env")
        made = one.deploy("npm-env", one.version("npm-twice", packed(SAMPLES / "nodejs/v1", a="b")))
        assert "Hello from Express" in one.get(made)
        resolved = [
            folder
            for folder in (one.data_dir / "cache/dependencies").iterdir()
            if (folder / "node_modules/express").is_dir()
        ]
        assert len(resolved) == 1
    finally:
        one.terminate("npm-env")


def test_several_wars_are_served_each_under_its_name(one: Installation) -> None:
    """ROOT.war is at the top, another under its name."""
    page = '<%@ page contentType="text/plain" %>here is NAME'
    web = {"WEB-INF/web.xml": (SAMPLES / "tomcat/v1/WEB-INF/web.xml").read_text()}
    wars = {
        f"{name}.war": bundle({"index.jsp": page.replace("NAME", name), **web})
        for name in ("ROOT", "admin")
    }
    one.client().create_environment(
        ApplicationName=one.application,
        EnvironmentName="wars-env",
        VersionLabel=one.version("wars", bundle(wars)),
        SolutionStackName=stack(one, "Tomcat 10 Corretto 17"),
    )
    try:
        made = one.rest("wars-env")
        assert one.get(made) == "here is ROOT"
        assert one.get(made, "/admin/") == "here is admin"
    finally:
        one.terminate("wars-env")


SAMPLED = ("Node.js 24", "Corretto 21", "Tomcat 10 Corretto 17", "PHP 8.2", "Ruby 3.2", ".NET 8")


@pytest.mark.slow
@pytest.mark.parametrize("running", SAMPLED)
def test_the_sample_application_of_a_platform(one: Installation, running: str) -> None:
    """Nothing is uploaded: what Elastic Beanstalk calls the sample application is ours."""
    eb = one.client()
    one.version(f"any-{running}", bundle({"a": "b"}))
    eb.create_environment(
        ApplicationName=one.application,
        EnvironmentName="sample-env",
        SolutionStackName=stack(one, running),
    )
    try:
        assert "Jackbean runs " in one.get(one.rest("sample-env"))
    finally:
        one.terminate("sample-env")
