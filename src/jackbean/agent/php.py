"""The PHP platform: php-fpm behind nginx, and Composer's dependencies."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from jackbean.agent import environment
from jackbean.agent.children import Command
from jackbean.agent.phases import ENGINE_LOG, Step, StepFailed
from jackbean.agent.processes import exit_clause
from jackbean.agent.run import Platform, Run
from jackbean.agent.runtime import PROVIDE, give
from jackbean.agent.startup import write_own

PORT = 9_000
TRUSTED = Path("/opt/jackbean/certificates.pem")  # where AWS's names lead to the control plane
INI = "aws:elasticbeanstalk:container:php:phpini"
DEFAULTS = {
    "memory_limit": "256M",
    "zlib.output_compression": "Off",
    "allow_url_fopen": "On",
    "display_errors": "Off",
    "max_execution_time": "60",
}
VALUE = re.compile(r"[A-Za-z0-9_./:+-]{0,100}")
CHILDREN_MAX = 20
# How Amazon Linux names the folder of PHP's settings that bundles add files to.
SCANNED = "/etc/php.d"
LOG = "/var/log/php-fpm/error.log"


def install(run: Run) -> None:
    """Have Composer install what composer.json asks for, unless the bundle brings vendor/."""
    root = run.paths.staging
    if not (root / "composer.json").is_file():
        return
    if (root / "vendor").is_dir():
        run.log.info("The bundle has vendor: Composer is left out.")
        return
    program = _composer(run, root)
    told = _composer_options(run)
    argv = (*program, "install", "--no-interaction", "--no-ansi", "--no-progress", *told)
    run.log.info(f"Installing dependencies: composer install {' '.join(told)}")
    env = {"COMPOSER_HOME": str(run.paths.at("/root")), "COMPOSER_ALLOW_SUPERUSER": "1"}
    command = Command(argv, root, env | run.command_environment())
    done = run.execute(command, run.paths.engine_log)
    if done.code:
        cause = f"composer {exit_clause(done.code)}; its last lines say why."
        raise StepFailed(cause, ENGINE_LOG, done.tail)
    if (root / "vendor").is_dir():
        give(run, root / "vendor")


def _composer(run: Run, root: Path) -> tuple[str, ...]:
    php = str(run.runtime / "bin/php")
    if (root / "composer.phar").is_file():
        return (php, str(root / "composer.phar"))
    found = shutil.which("composer", path="/usr/local/bin:/usr/bin")
    if not found:
        raise StepFailed(
            "The bundle has composer.json, and Composer is not on this machine: apt install "
            "composer there, or pack the vendor folder or composer.phar."
        )
    return (php, found)


def _composer_options(run: Run) -> list[str]:
    try:
        return shlex.split(run.option(INI, "composer_options"))
    except ValueError as error:
        raise StepFailed(f"Option composer_options cannot be read: {error}.") from None


def set_up(run: Run) -> None:
    """Write php-fpm's configuration of this release."""
    if not (run.runtime / "bin/php-fpm").exists():
        raise StepFailed("php-fpm is not on this machine: apt install php-fpm there.")
    folder = run.paths.staging / _document_root(run).lstrip("/")
    if not folder.is_dir():
        raise StepFailed(
            f"Option document_root is {_document_root(run)}, and the bundle has no such folder."
        )
    settings = DEFAULTS | {
        name: value
        for name, value in run.manifest.options.get(INI, {}).items()
        if name in DEFAULTS and value
    }
    for name, value in settings.items():
        if not VALUE.fullmatch(value):
            raise StepFailed(f"Option {name} is {value!r}, which is no value for php.ini.")
    (run.runtime / "php.d").mkdir(exist_ok=True)
    (run.runtime / "php.d/50-properties.ini").write_text(
        trust() + readable(environment.properties(run.manifest))
    )
    (run.runtime / "fpm.conf").write_text(pool(run, settings))
    give(run, run.runtime / "php.d")
    (run.runtime / "php.d/50-properties.ini").chmod(0o600)
    _make_log(run)
    sessions = run.paths.at("/var/lib/php/sessions")
    sessions.mkdir(parents=True, exist_ok=True)
    give(run, sessions)
    root = " -R" if os.geteuid() == 0 and not run.host.config.user else ""
    write_own(run, f"php-fpm: php-fpm -F -O{root} -y {shlex.quote(str(run.runtime / 'fpm.conf'))}")


def _make_log(run: Run) -> None:
    """Make a log that php-fpm may write, and have it among those that people ask for."""
    log = run.paths.at(LOG)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    give(run, log.parent)
    told = run.paths.at("/opt/elasticbeanstalk/tasks/taillogs.d/php-fpm.conf")
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(f"{LOG}\n")


def pool(run: Run, settings: Mapping[str, str]) -> str:
    """Return php-fpm's configuration."""
    values = "".join(f"php_admin_value[{n}] = {v}\n" for n, v in sorted(settings.items()))
    return f"""\
[global]
error_log = {run.paths.at(LOG)}
daemonize = no
log_limit = 8192

[www]
listen = {run.address}:{run.port}
listen.backlog = 511
pm = dynamic
pm.max_children = {CHILDREN_MAX}
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 4
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
security.limit_extensions = .php .phar
php_value[session.save_path] = {run.paths.at("/var/lib/php/sessions")}
{values}"""


def trust(file: Path = TRUSTED) -> str:
    """Return what makes PHP trust whom the instance trusts: its libcurl reads no variable."""
    return f"curl.cainfo = '{file}'\nopenssl.cafile = '{file}'\n" if file.is_file() else ""


def readable(properties: Mapping[str, str]) -> str:
    """Return those properties that `get_cfg_var` can be given, as php.ini has them."""
    return "".join(
        f"{name} = '{value}'\n"
        for name, value in sorted(properties.items())
        if re.fullmatch(r"[A-Za-z_]\w*", name) and not re.search(r"['\n\r\\]", value)
    )


def _document_root(run: Run) -> str:
    said = run.option(INI, "document_root", "/").strip()
    if ".." in said.split("/") or re.search(r"[\"'\\;{}$\s]", said):
        raise StepFailed(f"Option document_root is {said!r}, not a folder such as /public.")
    return "/" + said.strip("/")


def document_root(run: Run) -> str:
    """Return where nginx finds scripts, once the release is in place."""
    return str(run.paths.current / _document_root(run).lstrip("/")).rstrip("/")


def scanned(run: Run) -> dict[str, str]:
    """Return where PHP finds settings besides its own: Amazon Linux's folder, and the release's."""
    return {"PHP_INI_SCAN_DIR": f":{run.paths.at(SCANNED)}:{run.runtime / 'php.d'}"}


PHP = Platform(
    family="php",
    port=PORT,
    tells_port=False,
    languages=("php",),
    own_processes=True,
    passes="fastcgi",
    document_root=document_root,
    variables=scanned,
    steps=(
        PROVIDE,
        Step(
            "install Composer dependencies",
            install,
            "Instance deployment failed to install application dependencies.",
        ),
        Step("configure php-fpm", set_up, "The application cannot be started."),
    ),
)
