"""The two steps of a deployment that carry out `.ebextensions`.

`PreBuildEbExtension` comes before the bundle is unpacked: for each config file its packages,
groups, users, sources, files, commands and services, in that order. `PostBuildEbExtension` runs the
container commands in the staged source. Neither is part of a configuration deployment. There is no
memory between two deployments but the file system itself, and which files of nginx's it wrote.

Most releases have no config files, so what carries them out is imported where there are some.
"""

from __future__ import annotations

from jackbean.agent.extensions.bench import PROXY_FILES
from jackbean.agent.run import Run

DEPLOYMENT = "hooks"  # what a manifest calls the hooks of an application deployment


def prebuild(run: Run) -> None:
    if not _wanted(run):
        return
    from jackbean.agent.extensions import executing  # noqa: PLC0415 - 35 ms

    executing.process(run, "Infra-EmbeddedPreBuild", executing.BEFORE)


def postbuild(run: Run) -> None:
    if not _wanted(run):
        return
    from jackbean.agent.extensions import executing  # noqa: PLC0415 - 35 ms

    executing.process(run, "Infra-EmbeddedPostBuild", executing.AFTER)


def _wanted(run: Run) -> bool:
    """Tell if there is anything to do; also to clean up after an earlier bundle."""
    left = (run.paths.own / PROXY_FILES).exists()
    wanted = run.manifest.hooks == DEPLOYMENT and (bool(run.manifest.extensions) or left)
    if not wanted:
        run.log.info("No instance keys of .ebextensions to process")
    return wanted
