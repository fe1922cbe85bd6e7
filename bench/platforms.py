"""The sample of every platform on 1 and 4 instances: created until healthy, and deployed anew.

Nothing is there at first: the language is fetched where the machine has none, dependencies are
resolved. Later environments and deployments of one installation find both. `./dev bench platforms
NAME ...` measures only some.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import HEAD, RULE, Figure, Series, row
from tests.e2e.installation import ASG, COMMAND, Installation, installed, option
from tests.e2e.test_platforms import jar, packed, sample, stack

BENCH = "platforms"
DEPLOYMENTS = 3
CREATE_S, DEPLOY_S = 300.0, 120.0
AT_ONCE = option(COMMAND, "DeploymentPolicy", "AllAtOnce")
CHECK = option("aws:elasticbeanstalk:application", "Application Healthcheck URL", "/")


@dataclass(frozen=True)
class Case:
    """What runs, and its bundle; `mark` tells one version from another and changes nothing else."""

    running: str
    content: Callable[[Path, str], bytes]


def of_sample(name: str) -> Callable[[Path, str], bytes]:
    return lambda scratch, mark: sample(name, **{"mark.txt": mark})(scratch)


def of_jar(scratch: Path, mark: str) -> bytes:
    (scratch / "hello.jar").write_bytes(jar(scratch))
    (scratch / "mark.txt").write_text(mark)
    folder = scratch / "packed"
    folder.mkdir(exist_ok=True)
    for name in ("hello.jar", "mark.txt"):
        (folder / name).write_bytes((scratch / name).read_bytes())
    return packed(folder)


CASES: Mapping[str, Case] = {
    "python": Case("Python 3.11", of_sample("python")),
    "nodejs": Case("Node.js 24", of_sample("nodejs")),
    "go": Case("Go 1", of_sample("go")),
    "java": Case("Corretto 21", of_jar),
    "tomcat": Case("Tomcat 10 Corretto 17", of_sample("tomcat")),
    "php": Case("PHP 8.2", of_sample("php")),
    "ruby": Case("Ruby 3.2", of_sample("ruby")),
    "dotnet": Case(".NET 8", of_sample("dotnet")),
}


def measure(names: tuple[str, ...] = tuple(CASES)) -> Iterator[Figure]:
    for name in names:
        with installed() as one, tempfile.TemporaryDirectory(prefix="jb-bench-") as scratch:
            yield from _measured(one, name, CASES[name], Path(scratch))


def _measured(one: Installation, name: str, case: Case, scratch: Path) -> Iterator[Figure]:
    one.version("first", case.content(scratch, "first"))
    for count, cached in ((1, "nothing"), (4, "all")):
        environment = f"bench-{count}"
        created = [_timed(lambda c=count, e=environment: _create(one, e, case, c))]  # type: ignore[misc]
        what = f"{name}: create until healthy, {count} instances, {cached} cached"
        yield Series(what, created).figure(BENCH)
        deployed = []
        for number in range(DEPLOYMENTS):
            label = one.version(f"{environment}-{number}", case.content(scratch, str(number)))
            deployed.append(_timed(lambda e=environment, v=label: _deploy(one, e, v)))  # type: ignore[misc]
        yield Series(f"{name}: deploy at once, {count} instances", deployed).figure(BENCH)
    resolved = [p for p in (one.data_dir / "cache/dependencies").glob("[0-9a-f]*") if p.is_dir()]
    what = f"{name}: dependencies resolved, for 5 instances and {2 * DEPLOYMENTS + 2} deployments"
    yield Series(what, [float(len(resolved))], "").figure(BENCH, most=1)


def _create(one: Installation, environment: str, case: Case, count: int) -> None:
    size = [option(ASG, name, str(count)) for name in ("MinSize", "MaxSize")]
    one.client().create_environment(
        ApplicationName=one.application,
        EnvironmentName=environment,
        VersionLabel="first",
        SolutionStackName=stack(one, case.running),
        OptionSettings=[*size, AT_ONCE, CHECK],
    )
    _healthy(one, environment, one.rest(environment, patience_s=CREATE_S))


def _deploy(one: Installation, environment: str, label: str) -> None:
    one.begin(environment, VersionLabel=label)
    found = one.rest(environment, patience_s=DEPLOY_S)
    assert found["VersionLabel"] == label, "\n".join(one.events(environment))
    _healthy(one, environment, found)


def _healthy(one: Installation, environment: str, found: dict[str, Any]) -> None:
    assert found["Health"] == "Green", "\n".join(one.events(environment))


def _timed(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def main(names: list[str]) -> int:
    """Measure some, or all; the table is printed."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"there is no platform {', '.join(unknown)}; there are {', '.join(CASES)}")
        return 2
    print(HEAD, RULE, sep="\n", flush=True)
    for figure in measure(tuple(names) or tuple(CASES)):
        print(row(figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
