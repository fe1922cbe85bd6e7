"""The Python platform: dependencies, the default Procfile, and what is missing to run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from jackbean.agent import requirements, venv
from jackbean.agent.asking import ask
from jackbean.agent.children import Command
from jackbean.agent.phases import ENGINE_LOG, Step, StepFailed
from jackbean.agent.requirements import Dependencies
from jackbean.agent.run import Platform, Run
from jackbean.agent.startup import generate_procfile, has_procfile, mispacked
from jackbean.core.protocol import DependencyRequest, to_json
from jackbean.core.pythons import beforehand

NAMESPACE = "aws:elasticbeanstalk:container:python"
PORT = 8_000
WSGI_PATH = r"[\w./-]+(?::[\w.()=\"', -]+)?"
SOURCE_BYTES_MAX = 1 << 20
HIDDEN_BINDING = rb"import\s+\*|globals\(|__getattr__|\bexec\(|setattr\("
CALLABLE = rb"(?m)^(\w+)\s*=\s*[\w.]*(?:[A-Z]\w*|get_\w+|create_app|make_app)\("


def install(run: Run) -> None:
    """Make the release's virtual environment with what the bundle depends on."""
    version = run.manifest.platform_version
    interpreter = run.host.config.pythons.get(version)
    if not interpreter:
        raise StepFailed(f"This instance has no Python {version}; choose another platform branch.")
    try:
        wanted = requirements.read(run.paths.staging)
        site_packages = venv.make(run.runtime, Path(interpreter), version, run.paths.venv)
    except (requirements.Unusable, venv.Unusable) as error:
        raise StepFailed(str(error)) from None
    if remark := requirements.unread(run.paths.staging):
        run.warn(remark)
    uv = run.host.config.tools.get("uv", "")
    if uv:
        venv.add_pip(run.runtime, site_packages, uv)
    if wanted.in_place:
        _install_in_place(run, wanted, uv)
    else:
        venv.add_shared(run.runtime, site_packages, _resolve(run, wanted))
    venv.link(run.runtime, run.paths.venv)


def _resolve(run: Run, wanted: Dependencies) -> Path:
    """Have the dependencies resolved by the control plane."""
    if wanted.source:
        run.log.info(f"Installing dependencies with {wanted.source}")
    request = DependencyRequest("pip", run.manifest.platform_version, wanted.files)
    return Path(str(ask(run, "/v1/dependencies", to_json(request))["path"]))


def _install_in_place(run: Run, wanted: Dependencies, uv: str) -> None:
    run.log.info(f"Installing dependencies in place: {wanted.in_place}")
    if not uv:
        raise StepFailed(f"This instance has no installer, and {wanted.in_place}.")
    file = run.paths.staging / wanted.source
    if wanted.source != "requirements.txt":
        file = run.runtime / "requirements.txt"
        file.write_text(wanted.files["requirements.txt"])
    python = str(run.runtime / "bin" / "python")
    argv = (uv, "pip", "install", "--python", python, "--link-mode", "copy", "--compile-bytecode")
    env = run.command_environment()
    for package in beforehand(run.manifest.platform_version):
        run.execute(Command((*argv, package), run.paths.staging, env), run.paths.engine_log)
    command = Command((*argv, "gunicorn", "-r", str(file)), run.paths.staging, env)
    done = run.execute(command, run.paths.engine_log)
    if done.code:
        cause = (
            f"{wanted.source}: the installer exited with code {done.code}; its last lines say why."
        )
        raise StepFailed(cause, ENGINE_LOG, done.tail)


def check_procfile(run: Run) -> None:
    """Take the bundle's Procfile, or write the default one for its WSGI module."""
    if has_procfile(run):
        return
    wsgi = _wsgi_path(run)
    _check_module(run, wsgi)
    processes = _number(run, "NumProcesses", 1)
    threads = _number(run, "NumThreads", 15)
    generate_procfile(
        run,
        f"gunicorn --bind {run.address}:{run.port} --workers={processes} "
        f"--threads={threads} {shlex.quote(wsgi)}",
    )


def _number(run: Run, name: str, default: int) -> int:
    said = run.option(NAMESPACE, name)
    return int(said) if said.isdecimal() and 0 < int(said) <= 1_000 else default


def _wsgi_path(run: Run) -> str:
    """Return option WSGIPath as gunicorn takes it; older bundles name a file."""
    said = run.option(NAMESPACE, "WSGIPath", "application").strip()
    if not re.fullmatch(WSGI_PATH, said):
        raise StepFailed(f"Option WSGIPath is {said!r}, not of the form module:callable.")
    module, colon, target = said.partition(":")
    module = module.removesuffix(".py").removeprefix("./").replace("/", ".")
    return f"{module}{colon}{target}"


def _check_module(run: Run, wsgi: str) -> None:
    module, _, target = wsgi.partition(":")
    name = re.split(r"\W", target or "application")[0]
    source = _module_file(run.paths.staging, module)
    if source:
        _check_callable(source, wsgi, name)
    elif not _installed(run, module):
        raise StepFailed(_no_application(run.paths.staging, module, wsgi))


def _module_file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((found for found in candidates if found.is_file()), None)


def _check_callable(source: Path, wsgi: str, name: str) -> None:
    """Refuse a module that clearly has no such callable; the rest is for gunicorn to find out."""
    text = source.read_bytes()[:SOURCE_BYTES_MAX]
    if re.search(rb"\b%b\b" % re.escape(name.encode()), text) or re.search(HIDDEN_BINDING, text):
        return
    module = wsgi.partition(":")[0]
    other = re.search(CALLABLE, text)
    found = other[1].decode() if other else "CALLABLE"
    raise StepFailed(
        f"{source.name} has no callable `{name}`"
        + (f"; it has `{found}`" if other else "")
        + f". Name it in option WSGIPath ({module}:{found}), or call it `{name}`."
    )


def _installed(run: Run, module: str) -> bool:
    """Tell if a module is among the dependencies rather than in the bundle."""
    name = module.partition(".")[0]
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    argv = (str(run.runtime / "bin" / "python"), "-c", code, name)
    command = Command(argv, run.paths.staging, run.command_environment())
    return run.execute(command, run.paths.engine_log).code == 0


def _no_application(root: Path, module: str, wsgi: str) -> str:
    missing = (
        f"There is no Procfile, and WSGIPath {wsgi} names no module ({module}.py) of the bundle"
    )
    packed = mispacked(root)
    if packed:
        return f"{missing}.{packed}"
    for path in sorted(root.glob("*.py")):
        other = re.search(CALLABLE, path.read_bytes()[:SOURCE_BYTES_MAX])
        if other:
            return (
                f"{missing}, but {path.name} has `{other[1].decode()}`: set option WSGIPath to "
                f"{path.stem}:{other[1].decode()}, or rename the file to application.py."
            )
    return f"{missing}. Add application.py with a callable `application`, or a Procfile."


PYTHON = Platform(
    family="python",
    port=PORT,
    path=("bin",),
    statics={"/static": "static"},
    steps=(
        Step(
            "InstallDependency",
            install,
            "Instance deployment failed to install application dependencies.",
        ),
        Step("check Procfile", check_procfile, "The application cannot be started."),
    ),
)
