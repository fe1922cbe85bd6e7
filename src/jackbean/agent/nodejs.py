"""The Node.js platform: npm's dependencies, and what starts where there is no Procfile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jackbean.agent.asking import ask
from jackbean.agent.children import Command
from jackbean.agent.phases import ENGINE_LOG, Step, StepFailed
from jackbean.agent.processes import exit_clause
from jackbean.agent.run import Platform, Run
from jackbean.agent.runtime import PROVIDE, give, language
from jackbean.agent.startup import BUILD, generate_procfile, has_procfile, mispacked
from jackbean.core.protocol import DependencyRequest, to_json

PORT = 8_080
PACKAGE = "package.json"
BESIDE = ("package-lock.json", "npm-shrinkwrap.json", ".npmrc")
DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
LIFECYCLE = frozenset(
    ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
)
LOCAL = re.compile(r"(file|link|workspace):|[./~]")  # what is in the bundle
PACKAGE_BYTES_MAX = 1 << 20
COMPARATOR = re.compile(r"(\^|~|>=|<=|>|<|=)?\s*v?(\d+)((?:\.[\dxX*]+)*)(?:-[\w.]+)?")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
QUIET = ("--no-audit", "--no-fund", "--no-progress", "--no-update-notifier", "--prefer-offline")


def install(run: Run) -> None:
    """Have npm install what package.json asks for, unless the bundle brings its node_modules."""
    package = read_package(run.paths.staging)
    check_engine(run, package)
    if package is None:
        run.log.info("There is no package.json: no dependencies to install.")
        return
    modules = run.paths.staging / "node_modules"
    if modules.is_dir():
        run.log.info("The bundle has node_modules: npm install is left out.")
        return
    development = _flag(run, "NPM_USE_PRODUCTION") == "false"
    files = shareable(run.paths.staging, package)
    if files and not any(n.lower().startswith("npm_config_") for n in run.manifest.environment):
        _install_shared(run, files, "npm-dev" if development else "npm")
    else:
        _install_in_place(run, () if development else ("--omit=dev",))
    if modules.is_dir():
        give(run, modules)


def shareable(root: Path, package: dict[str, Any]) -> dict[str, str]:
    """Return what npm has to know, if that is in text alone; nothing if the bundle matters too."""
    scripts = package.get("scripts")
    listed = [package.get(name) or {} for name in DEPENDENCIES]
    if "workspaces" in package or not all(isinstance(one, dict) for one in listed):
        return {}
    if isinstance(scripts, dict) and LIFECYCLE & scripts.keys():
        return {}
    if any(LOCAL.match(str(version)) for one in listed for version in one.values()):
        return {}
    files = {}
    for name in (PACKAGE, *BESIDE):
        path = root / name
        if path.is_file():
            if path.stat().st_size > PACKAGE_BYTES_MAX:
                return {}
            files[name] = path.read_bytes().decode("utf-8-sig", "replace")
    return {} if "${" in files.get(".npmrc", "") else files


def _install_shared(run: Run, files: dict[str, str], kind: str) -> None:
    """Have the control plane install it, once for all instances, and copy what comes out."""
    run.log.info("Installing dependencies with npm, once for all instances")
    request = DependencyRequest(kind, run.manifest.platform_version, files)
    try:
        found = Path(str(ask(run, "/v1/dependencies", to_json(request))["path"]))
    except StepFailed as failed:
        if failed.tail:
            failed = StepFailed(f"npm: {_cause(failed.tail)}", failed.log, failed.tail)
        raise failed from None
    for name in ("node_modules", "package-lock.json"):
        if (found / name).exists() and not (run.paths.staging / name).exists():
            argv = ("cp", "-R", "-P", "--reflink=auto", str(found / name), str(run.paths.staging))
            env = run.command_environment()
            done = run.execute(Command(argv, run.paths.staging, env), run.paths.engine_log)
            if done.code:
                raise StepFailed(f"{name} cannot be copied.", ENGINE_LOG, done.tail)


def _install_in_place(run: Run, scope: tuple[str, ...]) -> None:
    argv = (str(run.runtime / "bin/npm"), *scope, "install", *QUIET)
    run.log.info(f"Installing dependencies: npm {' '.join(argv[1:])}")
    env = {**run.command_environment(), "NO_UPDATE_NOTIFIER": "1"}
    if Path(CERTIFICATES).is_file():
        env.setdefault("NODE_EXTRA_CA_CERTS", CERTIFICATES)
    env.setdefault("npm_config_cache", str(run.paths.at("/var/cache/npm")))
    done = run.execute(Command(argv, run.paths.staging, env), run.paths.engine_log)
    if done.code:
        cause = f"npm {exit_clause(done.code)}: {_cause(done.tail)}"
        raise StepFailed(cause, ENGINE_LOG, done.tail)


def read_package(root: Path) -> dict[str, Any] | None:
    """Return package.json; None where there is none. Raises StepFailed for one that is none."""
    path = root / PACKAGE
    if not path.is_file():
        return None
    if path.stat().st_size > PACKAGE_BYTES_MAX:
        raise StepFailed(f"{PACKAGE} is over {PACKAGE_BYTES_MAX >> 20} MB.")
    try:
        found = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise StepFailed(f"{PACKAGE} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise StepFailed(f"{PACKAGE} is not a JSON object.")
    return found


def check_engine(run: Run, package: dict[str, Any] | None) -> None:
    """Refuse a package whose `engines.node` clearly names other branches than this one."""
    engines = (package or {}).get("engines")
    wanted = str(engines.get("node", "")) if isinstance(engines, dict) else ""
    have = language(run, "nodejs").version
    if not wanted or allows(wanted, int(have.partition(".")[0])):
        return
    raise StepFailed(
        f"{PACKAGE} wants node {wanted!r}, and this platform is Node.js {have}: choose a platform "
        "branch that fits, or change engines.node."
    )


def allows(wanted: str, major: int) -> bool:
    """Tell if a range of versions admits some version of a major; True where that is not plain."""
    return any(_admits_all(choice, major) for choice in wanted.split("||"))


def _admits_all(choice: str, major: int) -> bool:
    if " - " in choice or re.search(r"(^|[\s=<>~^])[*xX]", choice):
        return True
    return all(
        _admits(sign, int(number), bool(re.search(r"[1-9]", rest)), major)
        for sign, number, rest in re.findall(COMPARATOR, choice)
    )


def _admits(sign: str, number: int, inside: bool, major: int) -> bool:  # noqa: FBT001 - as it is said: "22.3" is inside of 22
    if sign == ">=":
        return major >= number
    if sign == "<=":
        return major <= number
    if sign == ">":
        return major > number or (inside and major == number)
    if sign == "<":
        return major < number or (inside and major == number)
    return major == number


def check_start(run: Run) -> None:
    """Take the bundle's Procfile, or write one in the order of Elastic Beanstalk's choices."""
    if has_procfile(run):
        return
    root = run.paths.staging
    package = read_package(root)
    if package is not None and (starts(package) or (root / "server.js").is_file()):
        generate_procfile(run, "npm start")
        return
    script = next((name for name in ("app.js", "server.js") if (root / name).is_file()), "")
    if not script:
        raise StepFailed(_nothing(root, package))
    generate_procfile(run, f"node {script}")


def starts(package: dict[str, Any]) -> bool:
    scripts = package.get("scripts")
    return isinstance(scripts, dict) and bool(scripts.get("start"))


def _nothing(root: Path, package: dict[str, Any] | None) -> str:
    if package is None:
        return (
            "There is no Procfile, no package.json, no app.js and no server.js."
            f"{mispacked(root)} Add one of them at the top of the bundle."
        )
    main = package.get("main")
    if isinstance(main, str) and (root / main).is_file():
        return (
            f'There is no Procfile, and package.json has no start script. Add "start": '
            f'"node {main}" to its scripts.'
        )
    return (
        'There is no Procfile, no app.js and no server.js, and package.json has no "start" among '
        "its scripts. Add one of them."
    )


def _flag(run: Run, name: str) -> str:
    return run.manifest.environment.get(name, "").strip().lower()


def _cause(said: str) -> str:
    """Return the sentence of npm's complaint that says what is wrong."""
    lines = [re.sub(r"^npm (?:error|ERR!)\s*", "", line) for line in said.splitlines()
             if re.match(r"npm (?:error|ERR!)", line)]  # fmt: skip
    telling = [
        line for line in lines if line and not re.match(r"code |path |command |errno |A comp", line)
    ]
    return (telling or ["its last lines say why"])[0][:400]


NODEJS = Platform(
    family="node.js",
    port=PORT,
    languages=("nodejs",),
    steps=(
        PROVIDE,
        BUILD,
        Step(
            "Use NPM to install dependencies",
            install,
            "Instance deployment failed to install application dependencies.",
        ),
        Step("check Procfile", check_start, "The application cannot be started."),
    ),
)
