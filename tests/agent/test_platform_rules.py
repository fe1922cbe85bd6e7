"""What platforms make of a bundle: files in, a start or a sentence out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jackbean.agent import (
    dotnet,
    environment,
    golang,
    java,
    nginx,
    nodejs,
    php,
    ruby,
    tomcat,
    webapps,
)
from jackbean.agent.phases import StepFailed
from jackbean.agent.platforms import PLATFORMS
from jackbean.agent.runtime import Language
from jackbean.agent.startup import mispacked
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.runtimes import LANGUAGES


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_every_branch_with_a_language_has_its_platform() -> None:
    """The agent knows each by the name in small letters that manifests have."""
    wanted = {b.platform_name.lower() for b in BRANCHES if b.platform_name in LANGUAGES}
    assert wanted == set(PLATFORMS)
    for name, language in LANGUAGES.items():
        if name != "Python":
            assert language in PLATFORMS[name.lower()].languages


# Node.js


@pytest.mark.parametrize(
    ("wanted", "major", "fits"),
    [
        (">=18", 20, True),
        ("20.x", 20, True),
        ("20.x", 22, False),
        ("^20.1.0", 20, True),
        ("18 || 20", 20, True),
        ("<20", 20, False),
        ("<20.5", 20, True),
        (">=18 <21", 20, True),
        (">=18 <20", 20, False),
        (">20", 20, False),
        (">20.1", 20, True),
        ("~22.3", 20, False),
        ("*", 20, True),
        ("18 - 22", 20, True),
        ("lts/*", 20, True),
        (">= 16.0.0", 20, True),
        ("22.20.0", 22, True),
        ("not a range", 22, True),
    ],
)
def test_engines_select_within_the_branch_only(wanted: str, major: int, fits: bool) -> None:
    assert nodejs.allows(wanted, major) is fits


def test_what_is_in_text_alone_is_resolved_for_all(tmp_path: Path) -> None:
    package = {"dependencies": {"express": "^4"}}
    write(tmp_path, {"package.json": "{}", "package-lock.json": "{}", "app.js": ""})
    assert nodejs.shareable(tmp_path, package) == {"package.json": "{}", "package-lock.json": "{}"}


@pytest.mark.parametrize(
    "package",
    [
        {"scripts": {"postinstall": "node build.js"}},
        {"scripts": {"prepare": "tsc"}},
        {"workspaces": ["packages/*"]},
        {"dependencies": {"mine": "file:./mine"}},
        {"devDependencies": {"mine": "../mine"}},
        {"optionalDependencies": {"mine": "link:x"}},
        {"dependencies": ["odd"]},
    ],
)
def test_what_points_into_the_bundle_is_installed_in_place(
    package: dict[str, object], tmp_path: Path
) -> None:
    write(tmp_path, {"package.json": "{}"})
    assert nodejs.shareable(tmp_path, package) == {}


def test_a_secret_of_npmrc_is_not_shared(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": "{}", ".npmrc": "//r/:_authToken=${TOKEN}\n"})
    assert nodejs.shareable(tmp_path, {}) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "package.json is not JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "package.json is not JSON"),
        (" " * (2 << 20), "over 1 MB"),
    ],
)
def test_a_bad_package_is_said(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=says):
        nodejs.read_package(write(tmp_path, {"package.json": text}))


def test_bundler_says_the_cause_before_it_draws_the_line() -> None:
    said = "\n[!] There was an error parsing `Gemfile`: no such method.\n #  from /a:1\n #  -----\n"
    assert ruby._cause(said) == "[!] There was an error parsing `Gemfile`: no such method."
    assert ruby._cause("\n") == "it says nothing"


def test_npm_says_the_cause_in_its_first_telling_line() -> None:
    said = (
        "npm error code E404\nnpm error 404 Not Found - GET https://r/no-such - Not found\n"
        "npm error A complete log of this run can be found in: /root/.npm\n"
    )
    assert nodejs._cause(said) == "404 Not Found - GET https://r/no-such - Not found"
    assert nodejs._cause("Killed") == "its last lines say why"


# Go


def test_a_program_of_bin_comes_first(tmp_path: Path) -> None:
    write(tmp_path, {"application": "1"})
    assert golang.find_program(tmp_path) == "application"
    write(tmp_path, {"bin/application": "2"})
    assert golang.find_program(tmp_path) == "bin/application"


def test_what_is_built(tmp_path: Path) -> None:
    assert golang.sources(tmp_path) == ()
    write(tmp_path, {"main.go": "package main\n"})
    assert golang.sources(tmp_path) == ()
    write(tmp_path, {"go.mod": "module x\n"})
    assert golang.sources(tmp_path) == (".",)
    write(tmp_path, {"application.go": "package main\n"})
    assert golang.sources(tmp_path) == ("application.go", ".")


# .NET

CONFIG = '{"runtimeOptions": {"framework": {"name": "%s", "version": "%s"}}}'


def test_a_framework_has_to_be_as_new_in_the_same_major(tmp_path: Path) -> None:
    write(tmp_path, {"shared/App/8.0.4/x": "", "shared/App/6.0.1/x": ""})
    have = Language(tmp_path, "8.0.4")
    fits = {
        v: dotnet.has(have, "App", v) for v in ("8.0.0", "8.0.5", "7.0.0", "6.0.1", "9.0.0-rc.1")
    }
    assert fits == {
        "8.0.0": True,
        "8.0.5": False,
        "7.0.0": False,
        "6.0.1": True,
        "9.0.0-rc.1": False,
    }
    assert not dotnet.has(have, "Web", "8.0.0")
    assert dotnet.has(have, "App", "6.0.1", any_newer=True)
    assert not dotnet.has(have, "App", "9.0.1", any_newer=True)


def test_published_applications(tmp_path: Path) -> None:
    contained = '{"runtimeOptions": {"includedFrameworks": [{"name": "A", "version": "8.0.0"}]}}'
    write(
        tmp_path,
        {
            "One.runtimeconfig.json": "\ufeff" + CONFIG % ("App", "8.0.0"),
            "One.dll": "",
            "Two.runtimeconfig.json": contained,
            "Two.dll": "",
        },
    )
    one, two = dotnet.published(tmp_path)
    assert (one.name, one.frameworks, one.own_program) == ("One", (("App", "8.0.0"),), False)
    assert (two.name, two.frameworks, two.own_program) == ("Two", (), True)


@pytest.mark.parametrize("text", ["{", "[]", '{"runtimeOptions": 1}', '{"runtimeOptions": {}}'])
def test_what_dotnet_would_not_write(text: str, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="not what `dotnet publish` writes"):
        dotnet.published(write(tmp_path, {"A.runtimeconfig.json": text}))


# Tomcat


def test_options_of_the_jvm() -> None:
    """Xms and Xmx have defaults, `JVM Options` is free text, any other name is an option."""
    options = {
        "Xmx": "512m",
        "JVM Options": "-Da='b c' -ea",
        "XX:MaxMetaspaceSize": "64m",
        "Xss": "1m",
        "XX:MaxPermSize": "64m",
    }
    assert tomcat.jvm_options(options) == [
        *("-Xms256m", "-Xmx512m", "-Da=b c", "-ea", "-XX:MaxMetaspaceSize=64m", "-Xss1m")
    ]
    with pytest.raises(StepFailed, match="'JVM Options' cannot be read"):
        tomcat.jvm_options({"JVM Options": "'"})


def test_arguments_reach_java_whatever_is_in_them() -> None:
    assert tomcat.arguments_file(['-Da=b "c"\\d\ne']) == '"-Da=b \\"c\\"\\\\d\\ne"\n'


def test_mistake_18_one_war_is_the_root_whatever_its_name(tmp_path: Path) -> None:
    assert tomcat.applications(write(tmp_path, {"shop.war": ""})) == {"": "shop.war"}
    write(tmp_path, {"ROOT.war": "", "a#b.war": ""})
    assert tomcat.applications(tmp_path) == {
        "": "ROOT.war",
        "/a/b": "a#b.war",
        "/shop": "shop.war",
    }


def test_a_war_that_was_unpacked_is_the_root(tmp_path: Path) -> None:
    assert tomcat.applications(write(tmp_path, {"WEB-INF/web.xml": "", "x.war": ""})) == {"": ""}


# PHP


def test_properties_for_get_cfg_var_are_only_those_that_are_safe() -> None:
    told = php.readable({"A": "b c", "B": "it's", "C": "a\nb", "D.E": "x", "F": "${HOME}"})
    assert told == "A = 'b c'\nF = '${HOME}'\n"


def test_php_has_its_scripts_and_leaves_the_rest_to_the_bundle() -> None:
    site = nginx.ProxySite(
        listen="127.0.0.1:80",
        upstream="127.0.0.1:9000",
        waiting="/w",
        hold="/h",
        logs="/l",
        state="/s",
        passes="fastcgi",
        document_root="/var/app/current/public",
    )
    files = nginx.files(site)
    assert "conf.d/elasticbeanstalk/00_application.conf" not in files
    text = files["conf.d/elasticbeanstalk/php.conf"]
    assert text.startswith('root "/var/app/current/public";\n')
    assert "location / " not in text
    assert "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n" in text


# All


def test_the_environment_file_keeps_lines_apart() -> None:
    told = environment.env_file({"B": 'x\n"y" $z', "A": "plain $value", "C": " space "})
    assert told == 'A=plain $value\nB="x\n\\"y\\" \\$z"\nC=" space "\n'


def test_a_folder_around_everything_is_named(tmp_path: Path) -> None:
    assert mispacked(tmp_path) == " The bundle is empty."
    write(tmp_path, {"my-app/package.json": "{}", "__MACOSX/x": "", ".git/x": ""})
    assert "inside of one folder, my-app/" in mispacked(tmp_path)
    write(tmp_path, {"b.txt": ""})
    assert mispacked(tmp_path) == ""
    write(tmp_path, {"procfile.txt": ""})
    assert "has procfile.txt: it counts once it is called Procfile" in mispacked(tmp_path)


def test_an_application_may_roll_on_to_a_later_dotnet(tmp_path: Path) -> None:
    text = '{"runtimeOptions": {%s"framework": {"name": "App", "version": "6.0.0"}}}'
    write(tmp_path, {"A.runtimeconfig.json": text % '"rollForward": "Major", '})
    write(tmp_path, {"B.runtimeconfig.json": text % ""})
    assert [one.any_newer for one in dotnet.published(tmp_path)] == [True, False]


# Tomcat


@pytest.mark.parametrize(
    ("options", "heap"),
    [
        ({}, ["-Xms256m", "-Xmx256m"]),
        ({"Xmx": "200m"}, ["-Xms200m", "-Xmx200m"]),
        ({"Xms": "256m", "Xmx": "200m"}, ["-Xms200m", "-Xmx200m"]),  # the default, spelt out
        ({"Xmx": "1G"}, ["-Xms256m", "-Xmx1G"]),
        ({"Xms": "300m", "Xmx": "200m"}, ["-Xms300m", "-Xmx200m"]),  # as it is said
        ({"Xmx": "9zz"}, ["-Xms256m", "-Xmx9zz"]),
    ],
)
def test_a_heap_begins_no_larger_than_it_may_become(
    options: dict[str, str], heap: list[str]
) -> None:
    assert tomcat.jvm_options(options) == heap


@pytest.mark.parametrize("packed", [False, True])
def test_classes_of_java_ee_are_recognised(tmp_path: Path, packed: bool) -> None:
    app = write(tmp_path / "app", {"WEB-INF/classes/a/S.class": "Ljavax/servlet/http/HttpServlet;"})
    other = write(tmp_path / "other", {"WEB-INF/classes/S.class": "jakarta/servlet", "x": "javax"})
    if packed:
        app, other = (zipped(folder) for folder in (app, other))
    assert webapps.is_java_ee(app)
    assert not webapps.is_java_ee(other)


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


# Java


@pytest.mark.parametrize(
    ("said", "found"), [("1073741824\n", 1 << 30), ("max\n", 0), ("9223372036854771712\n", 0)]
)
def test_the_memory_that_a_control_group_allows(tmp_path: Path, said: str, found: int) -> None:
    (tmp_path / "memory.max").write_text(said)
    assert java.bytes_of(tmp_path / "memory.max") == found
    assert java.bytes_of(tmp_path / "none") == 0


def test_php_trusts_whom_its_instance_trusts(tmp_path: Path) -> None:
    file = tmp_path / "certificates.pem"
    assert php.trust(file) == ""
    file.touch()
    assert php.trust(file) == f"curl.cainfo = '{file}'\nopenssl.cafile = '{file}'\n"
