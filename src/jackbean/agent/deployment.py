"""The three things that an instance does with a release, each a table of steps.

STAGE does all that leaves the running release alone; ACTIVATE puts the staged one in its place;
RESTART starts what runs anew. The names and the order are those of Elastic Beanstalk, with two
differences: nginx's configuration is checked before anything is stopped, and nginx itself goes on
while the application changes behind it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from jackbean.agent import archive, bundle, environment, nginx, site, startup
from jackbean.agent.application import Ending, Launch, NotListening
from jackbean.agent.extensions import build
from jackbean.agent.hooks import run_hooks
from jackbean.agent.paths import Paths
from jackbean.agent.phases import Step, StepFailed
from jackbean.agent.run import Run
from jackbean.agent.zipdirectory import BadZip
from jackbean.core.daemon import DaemonConfig
from jackbean.core.protocol import to_json

AWAIT = "wait for application"
NGINX_LOG = "/var/log/nginx/error.log"
CFN_INIT = "Please refer to /var/log/cfn-init.log for more details."


# Rows 0 to 12: the running release goes on


def download(run: Run) -> None:
    found = run.host.bundles.fetch(run.manifest.digest, run.check)
    bundle.place(found, run.paths.bundle)


def stage_application(run: Run) -> None:
    staging = run.paths.staging
    discard(run.paths, staging)
    staging.mkdir(mode=0o755)
    try:
        archive.unpack(run.paths.bundle, staging, run.owner(), run.check)
    except BadZip as error:
        raise StepFailed(str(error)) from None


def clean_extensions(run: Run) -> None:
    discard(run.paths, run.paths.staging / ".ebextensions")


def prebuild_hooks(run: Run) -> None:
    run_hooks(run, "prebuild", run.paths.staging)


def predeploy_hooks(run: Run) -> None:
    run_hooks(run, "predeploy", run.paths.staging)


def configure_proxy(run: Run) -> None:
    discard(run.paths, run.paths.nginx_staging)
    site.configure(run, run.paths.staging, (run.address, run.port))


def check_proxy(run: Run) -> None:
    said = run.host.proxy.check()
    if said:
        last = next((line for line in said.splitlines() if "emerg" in line), said.strip())
        raise StepFailed(f"nginx refuses it: {last}{nginx.advice(last)}", NGINX_LOG, said)


# Rows 13 to 19: the new release takes over


def flip(run: Run) -> None:
    paths, ledger = run.paths, run.host.ledger
    launch = _launch(run, paths.staging)
    ledger.note(flipping=True)
    ending = run.host.application.end(run.manifest.drain_s)
    ending.make_way()
    away = put_away(paths, paths.current)
    paths.staging.rename(paths.current)
    before = ledger.record.current
    ledger.note(flipping=False, current=run.built, previous=before, staged=None)
    _start(run, launch)
    in_background(_leave, ending, away)


def start_application(run: Run) -> None:
    _start(run, _launch(run, run.paths.current))


def _launch(run: Run, root: Path) -> Launch:
    entries = startup.entries(startup.procfile(run, root))
    env = run.process_environment()
    return Launch(entries, run.paths.current, env, run.host.config.user, run.address, run.port)


def _start(run: Run, launch: Launch) -> None:
    path = run.paths.env
    path.write_text(environment.env_file(environment.properties(run.manifest)))
    path.chmod(0o600)
    if run.platform.prepare:
        run.platform.prepare(run)
    run.host.application.start(launch)


def start_proxy(run: Run) -> None:
    run.host.proxy.ensure(reload=site.take_up(run))
    _await_proxy(run)


def restart_proxy(run: Run) -> None:
    run.host.proxy.ensure(reload=True)
    _await_proxy(run)


def _await_proxy(run: Run) -> None:
    config = run.host.config
    said = run.host.proxy.await_listening(config.address, config.port)
    if said:
        where = f"{config.address}:{config.port}"
        raise StepFailed(f"nginx does not listen on {where}: {said}", NGINX_LOG, said)


def await_application(run: Run) -> None:
    """Wait until the application takes connections, on whatever port it does."""
    launch = _launch(run, run.paths.current)
    found = _await_listening(run, launch)
    if found and found.elsewhere:
        host, port = found.elsewhere
        _follow(run, host, port)
        found = _await_listening(run, replace(launch, host=host, port=port))
    if found:
        raise StepFailed(f"{found.why}.", run.paths.shown(found.log), found.tail)


def _await_listening(run: Run, launch: Launch) -> NotListening | None:
    found = run.host.application.await_listening(launch, run.deadline, run.superseded.is_set)
    if run.superseded.is_set():
        run.check()
    return found


def _follow(run: Run, host: str, port: int) -> None:
    """Pass requests to where the application listens, if that is not where it was told to."""
    if port:
        run.warn(
            f"The application listens on port {port}, not on {run.port}: requests are passed on to "
            f"it there. Better use the variable PORT, or set the environment property PORT to "
            f"{port}."
        )
    else:  # Puma on Elastic Beanstalk does; a bundle's own nginx files may count on it
        run.log.info(f"The application listens on {run.paths.shown(Path(host))}: nginx goes there.")
    discard(run.paths, run.paths.nginx_staging)
    site.configure(run, run.paths.current, (host, port))
    check_proxy(run)
    start_proxy(run)


def stop_daemon(run: Run) -> None:
    run.host.daemon.stop(run.check)


def start_daemon(run: Run) -> None:
    """Have messages posted to the application, or none where the release is not a worker's."""
    run.host.daemon.run(_daemon_config(run))


def _daemon_config(run: Run) -> DaemonConfig | None:
    worker, config, address = run.worker, run.host.config, run.host.application.address
    if worker is None:
        return None
    return DaemonConfig(
        worker=to_json(worker),
        region=run.manifest.region,
        socket=config.socket,
        token=config.token,
        address=config.address,
        port=config.port,
        application=":".join(map(str, address)) if address else "",
        drain_s=run.manifest.drain_s,
        state=str(run.paths.sqsd_state),
    )


def track_pids(run: Run) -> None:
    run.host.application.track()


def postdeploy_hooks(run: Run) -> None:
    run_hooks(run, "postdeploy", run.paths.current)


def restart_application(run: Run) -> None:
    launch = _launch(run, run.paths.current)
    ending = run.host.application.end(run.manifest.drain_s)
    ending.make_way()
    _start(run, launch)
    in_background(ending.wait)


STOP_DAEMON = Step(
    "stopSqsd",
    stop_daemon,
    "The worker's daemon could not be stopped.",
    when=lambda run: run.host.daemon.runs,
)
START_DAEMON = Step(
    "startSqsd",
    start_daemon,
    "The worker's daemon could not be started.",
    when=lambda run: run.worker is not None,
)
BEFORE_BUILD = (
    Step("download", download, "The source bundle could not be fetched."),
    Step("PreBuildEbExtension", build.prebuild, f"EbExtension build failed. {CFN_INIT}"),
    Step("StageApplication", stage_application, "The source bundle cannot be unpacked."),
    Step("RunAppDeployPreBuildHooks", prebuild_hooks, "A prebuild hook failed."),
)
AFTER_BUILD = (
    Step("configure proxy server", configure_proxy, "The proxy cannot be configured."),
    Step("PostBuildEbExtension", build.postbuild, f"Container commands build failed. {CFN_INIT}"),
    Step("CleanEbExtensions", clean_extensions, "The staged source cannot be changed."),
    Step("RunAppDeployPreDeployHooks", predeploy_hooks, "A predeploy hook failed."),
    Step(
        "check proxy configuration",
        check_proxy,
        "The proxy's configuration is not valid.",
        when=lambda run: run.host.proxy.running or site.is_touched(run),
    ),
)
ACTIVATE = (
    STOP_DAEMON,
    Step("FlipApplication", flip, "The release could not be put in place."),
    Step("start proxy with new configuration", start_proxy, "The proxy could not be started."),
    Step(AWAIT, await_application, "The application is not there:"),
    START_DAEMON,
    Step("Track pids in healthd", track_pids, "The process ids could not be written."),
    Step("RunAppDeployPostDeployHooks", postdeploy_hooks, "A postdeploy hook failed."),
)
RESTART = (
    STOP_DAEMON,
    Step("restart application", restart_application, "The application could not be restarted."),
    Step("restart proxy", restart_proxy, "The proxy could not be restarted."),
    Step(AWAIT, await_application, "The application is not there:"),
    START_DAEMON,
    Step("Track pids in healthd", track_pids, "The process ids could not be written."),
)
RESUME = (
    Step("start application", start_application, "The application could not be started."),
    Step("start proxy", start_proxy, "The proxy could not be started."),
    Step(AWAIT, await_application, "The application is not there:"),
)


def stage_steps(run: Run) -> tuple[Step[Run], ...]:
    """Return the steps of STAGE, those of the platform in their place."""
    return (*BEFORE_BUILD, *run.platform.steps, *AFTER_BUILD)


def discard(paths: Paths, path: Path) -> None:
    """Make a path free at once; what was there is deleted in the background."""
    away = put_away(paths, path)
    if away:
        in_background(delete, away)


def put_away(paths: Paths, path: Path) -> Path | None:
    """Make a path free at once; return where that is now which was there."""
    if not path.exists() and not path.is_symlink():
        return None
    away = paths.discarded / str(time.time_ns())
    path.rename(away)
    return away


def in_background(act: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=act, args=arguments, daemon=True).start()


def _leave(ending: Ending, away: Path | None) -> None:
    """Let the old release finish its last requests before its files go."""
    ending.wait()
    if away:
        delete(away)


def delete(folder: Path) -> None:
    import shutil  # noqa: PLC0415 - 10 ms that nobody has to wait for

    shutil.rmtree(folder, ignore_errors=True)
