"""The platform branches of Elastic Beanstalk on Amazon Linux 2023: data.

Names and versions are those of August 2026. A version here is a name that clients may ask for; what
runs under it is the runtime of the branch as this machine has it. Older versions are kept where
projects are likely to name them.
"""

from __future__ import annotations

from functools import partial

from jackbean.core.platforms.branch import Branch, Lifecycle


def _python(version: str, lifecycle: Lifecycle, *versions: str) -> Branch:
    return Branch(
        f"Python {version}",
        "Python",
        "Python",
        version,
        versions,
        order=300 + int(version.removeprefix("3.")),
        port=8000,
        lifecycle=lifecycle,
        comes_with=f"a Python {version} interpreter on this machine",
    )


LANGUAGE = "its language on this machine; `jackbean runtimes list` says what brings that"
_branch = partial(Branch, comes_with=LANGUAGE)
_node = partial(_branch, platform_name="Node.js", language_name="Node.js", port=8080)
_php = partial(_branch, platform_name="PHP", language_name="PHP")
_ruby = partial(_branch, platform_name="Ruby", language_name="Ruby")
_dotnet = partial(_branch, platform_name=".NET Core on Linux", language_name=".NET", port=5000)

DOCKER_VERSIONS = ("4.13.7", "4.13.1", "4.9.1")
ECS_VERSIONS = ("4.7.7", "4.7.1", "4.3.2")
GO_VERSIONS = ("4.9.7", "4.9.1", "4.5.2")
JAVA_VERSIONS = ("4.12.7", "4.12.1", "4.8.2")
NODE_VERSIONS = ("6.11.7", "6.11.1", "6.7.2")
PHP_VERSIONS = ("4.13.7", "4.13.1", "4.9.1")
PYTHON_VERSIONS = ("4.13.7", "4.13.1", "4.9.1")
RUBY_VERSIONS = ("4.14.7", "4.14.1", "4.8.2")
TOMCAT_VERSIONS = ("5.14.7", "5.14.1", "5.9.2")
DOTNET_VERSIONS = ("3.11.7", "3.11.1", "3.7.1")


def _corretto(version: int) -> Branch:
    return _branch(
        f"Corretto {version}",
        "Java",
        "Java",
        str(version),
        JAVA_VERSIONS,
        order=version,
        port=5000,
        file_types=("jar", "zip"),
    )


def _tomcat(tomcat: int, java: int, *versions: str) -> Branch:
    return _branch(
        f"Tomcat {tomcat} Corretto {java}",
        "Tomcat",
        "Java",
        str(java),
        versions or TOMCAT_VERSIONS,
        order=tomcat * 100 + java,
        port=8080,
        label=f"Tomcat {tomcat} with Corretto {java}",
        framework=("Tomcat", str(tomcat)),
        file_types=("war", "zip"),
    )


BRANCHES: tuple[Branch, ...] = (
    _python("3.14", Lifecycle.SUPPORTED, *PYTHON_VERSIONS),
    _python("3.13", Lifecycle.SUPPORTED, *PYTHON_VERSIONS, "4.6.0"),
    _python("3.12", Lifecycle.SUPPORTED, *PYTHON_VERSIONS, "4.6.0", "4.3.0"),
    _python("3.11", Lifecycle.SUPPORTED, *PYTHON_VERSIONS, "4.6.0", "4.3.0"),
    _python("3.9", Lifecycle.RETIRED, "4.13.1", "4.9.1", "4.6.0", "4.3.0"),
    _node("Node.js 24", language_version="24", versions=NODE_VERSIONS, order=24),
    _node("Node.js 22", language_version="22", versions=(*NODE_VERSIONS, "6.6.0"), order=22),
    _node(
        "Node.js 20",
        language_version="20",
        versions=("6.11.1", "6.7.2", "6.6.0"),
        order=20,
        lifecycle=Lifecycle.RETIRED,
    ),
    _php("PHP 8.5", language_version="8.5", versions=PHP_VERSIONS, order=85),
    _php("PHP 8.4", language_version="8.4", versions=(*PHP_VERSIONS, "4.7.0"), order=84),
    _php("PHP 8.3", language_version="8.3", versions=(*PHP_VERSIONS, "4.7.0"), order=83),
    _php("PHP 8.2", language_version="8.2", versions=(*PHP_VERSIONS, "4.7.0"), order=82),
    _ruby("Ruby 4.0", language_version="4.0", versions=RUBY_VERSIONS[:2], order=40),
    _ruby("Ruby 3.4", language_version="3.4", versions=(*RUBY_VERSIONS, "4.6.0"), order=34),
    _ruby("Ruby 3.3", language_version="3.3", versions=(*RUBY_VERSIONS, "4.6.0"), order=33),
    _ruby(
        "Ruby 3.2",
        language_version="3.2",
        versions=("4.14.1", "4.8.2", "4.6.0"),
        order=32,
        lifecycle=Lifecycle.RETIRED,
    ),
    _branch("Go 1", "Go", "Go", "1", GO_VERSIONS, order=1, port=5000),
    _corretto(25),
    _corretto(21),
    _corretto(17),
    _corretto(11),
    _corretto(8),
    _tomcat(11, 25),
    _tomcat(11, 21),
    _tomcat(11, 17),
    _tomcat(10, 21),
    _tomcat(10, 17),
    _tomcat(9, 17),
    _tomcat(9, 11),
    _tomcat(9, 8, "5.14.7", "5.14.1"),
    _dotnet(".NET 10", language_version="10", versions=DOTNET_VERSIONS, order=10),
    _dotnet(".NET 9", language_version="9", versions=(*DOTNET_VERSIONS, "3.5.0"), order=9),
    _dotnet(".NET 8", language_version="8", versions=(*DOTNET_VERSIONS, "3.5.0"), order=8),
    Branch("Docker", "Docker", "Docker", "", DOCKER_VERSIONS, order=2, file_types=()),
    Branch("ECS", "Docker", "Docker", "", ECS_VERSIONS, order=1, file_types=()),
)
