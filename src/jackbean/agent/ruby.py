"""The Ruby platform: Bundler's gems, Rails' tasks, and Puma."""

from __future__ import annotations

import re
from pathlib import Path

from jackbean.agent.children import Command
from jackbean.agent.phases import ENGINE_LOG, Step, StepFailed
from jackbean.agent.processes import exit_clause
from jackbean.agent.run import Done, Platform, Run
from jackbean.agent.runtime import PROVIDE, give
from jackbean.agent.startup import BUILD, generate_procfile, has_procfile, mispacked

PORT = 8_080
SOCKETS = "/var/run/puma"
PUMA = "/opt/elasticbeanstalk/config/private/pumaconf.rb"
FILE_BYTES_MAX = 1 << 20
SETTINGS = {
    "BUNDLE_WITHOUT": "test:development",
    "RACK_ENV": "production",
    "RAILS_SKIP_MIGRATIONS": "false",
    "RAILS_SKIP_ASSET_COMPILATION": "false",
}
TASKS = (
    ("assets:precompile", "RAILS_SKIP_ASSET_COMPILATION"),
    ("db:migrate", "RAILS_SKIP_MIGRATIONS"),
)
OFFLINE = re.compile(r"(?i)could not (reach|find|fetch)|network|connection|resolv|certificate")


def install(run: Run) -> None:
    """Have Bundler see to the Gemfile: with the gems that are here, else from the index."""
    root = run.paths.staging
    if not (root / "Gemfile").is_file():
        run.log.info("There is no Gemfile: no gems to install.")
        return
    if _program("bundle") is None:
        raise StepFailed("The bundle has a Gemfile, and Bundler is not here: apt install bundler.")
    done = _bundle(run, "install", "--local", "--quiet")
    if done.code == 0:
        run.log.info("Bundler is satisfied with the gems that are on this machine.")
    elif not (root / "vendor/bundle").is_dir():
        _fetch(run, done.tail)
    if (root / "vendor").is_dir():
        give(run, root / "vendor")
    for name in (".bundle", "Gemfile.lock"):
        if (root / name).exists():
            give(run, root / name)


def _fetch(run: Run, lacking: str) -> None:
    """Have Bundler install from the index what the machine's gems lack."""
    locked = (run.paths.staging / "Gemfile.lock").is_file()
    settings = (("path", "vendor/bundle"), *((("deployment", "true"),) if locked else ()))
    for name, value in settings:
        _bundle(run, "config", "set", "--local", name, value)
    run.log.info("Installing gems: bundle install")
    done = _bundle(run, "install")
    if done.code:
        cause = f"bundle install {exit_clause(done.code)}: {_cause(done.tail)}"
        if OFFLINE.search(done.tail):
            cause = f"{cause}. Without the index: {_cause(lacking)}"
        raise StepFailed(cause, ENGINE_LOG, done.tail)


def _bundle(run: Run, *told: str) -> Done:
    argv = (str(_program("bundle")), *told)
    env = run.command_environment() | {"BUNDLE_SILENCE_ROOT_WARNING": "1", "BUNDLE_RETRY": "1"}
    return run.execute(Command(argv, run.paths.staging, env), run.paths.engine_log)


def _program(name: str) -> Path | None:
    places = (Path("/usr/local/bin"), Path("/usr/bin"))
    return next((place / name for place in places if (place / name).exists()), None)


def _cause(said: str) -> str:
    """Return the sentence of Bundler's that says what is wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    pattern = (
        r"(?i)\[!\]|could not|your ruby version|an error occurred|error:|not find|incompatible"
    )
    telling = [line for line in lines if re.search(pattern, line)]
    return (telling or lines[-1:] or ["it says nothing"])[0][:400]


def tasks(run: Run) -> None:
    """Run what a Rakefile offers of Rails' tasks, as the application; migrate on one instance."""
    root = run.paths.staging
    if not any((root / name).is_file() for name in ("Rakefile", "rakefile", "Rakefile.rb")):
        return
    names = "|".join(task for task, _ in TASKS)
    offered = _rake(run, "-s", "-A", "-T", f"^({names})$")
    if offered.code:
        cause = f"The Rakefile cannot be read: rake {exit_clause(offered.code)}."
        raise StepFailed(cause, ENGINE_LOG, offered.tail)
    for task, skipped in TASKS:
        wanted = run.process_environment().get(skipped, "").lower() != "true"
        if not re.search(rf"(?m)^rake {task}(\s|$)", offered.tail) or not wanted:
            continue
        if task == "db:migrate" and not run.leader:
            run.log.info("db:migrate runs on one instance of a deployment, which is another one.")
            continue
        run.log.info(f"Running rake {task}")
        done = _rake(run, task)
        if done.code:
            raise StepFailed(f"rake {task} {exit_clause(done.code)}.", ENGINE_LOG, done.tail)


def _rake(run: Run, *told: str) -> Done:
    gemfile = (run.paths.staging / "Gemfile").is_file()
    prefix = (str(_program("bundle")), "exec") if gemfile else ()
    if not gemfile and _program("rake") is None:
        raise StepFailed("The bundle has a Rakefile, and rake is not here: apt install rake.")
    env = run.process_environment()
    command = Command((*prefix, "rake", *told), run.paths.staging, env, run.host.config.user)
    return run.execute(command, run.paths.engine_log)


def check_start(run: Run) -> None:
    """Take the bundle's Procfile, or start Puma on config.ru."""
    _write_puma(run)
    if has_procfile(run):
        return
    root = run.paths.staging
    if not (root / "config.ru").is_file():
        raise StepFailed(
            f"There is no Procfile and no config.ru.{mispacked(root)} Puma starts config.ru, "
            "which a Rails or Rack application has at its top."
        )
    bundled = any(_names_puma(root / name) for name in ("Gemfile.lock", "Gemfile"))
    if not bundled and _program("puma") is None:
        raise StepFailed("Puma is not here: add it to the Gemfile, or apt install puma.")
    command = "bundle exec puma" if bundled else "puma"
    generate_procfile(run, f"{command} -C {run.paths.at(PUMA)}")


def _names_puma(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
        return False
    return bool(
        re.search(r"(?m)^\s+puma \(|^\s*gem\s+[\"']puma[\"']", path.read_text(errors="replace"))
    )


def _write_puma(run: Run) -> None:
    """Write the configuration that Procfiles name too."""
    path = run.paths.at(PUMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"directory '{run.paths.current}'\n"
        "threads ENV.fetch('RAILS_MIN_THREADS', 0).to_i, ENV.fetch('RAILS_MAX_THREADS', 16).to_i\n"
        "workers ENV.fetch('WEB_CONCURRENCY', 0).to_i\n"
        f"bind 'tcp://{run.address}:{run.port}'\n"
    )


def make_sockets(run: Run) -> None:
    """Make the folder where Procfiles have Puma or Passenger listen; /run is new at each start."""
    sockets = run.paths.at(SOCKETS)
    sockets.mkdir(parents=True, exist_ok=True)
    give(run, sockets)


def settings(run: Run) -> dict[str, str]:
    return dict(SETTINGS)


RUBY = Platform(
    family="ruby",
    port=PORT,
    languages=("ruby",),
    upstream="my_app",
    prepare=make_sockets,
    statics={"/": "public", "/assets": "public/assets", "/public": "public"},
    variables=settings,
    steps=(
        PROVIDE,
        BUILD,
        Step(
            "bundle install",
            install,
            "Instance deployment failed to install application dependencies.",
        ),
        Step("rake tasks", tasks, "A task of the Rakefile failed."),
        Step("check Procfile", check_start, "The application cannot be started."),
    ),
)
