"""`jb terminate`: the end of an environment, or of an application with everything in it."""

from __future__ import annotations

import click

from jackbean.cli.asking import type_name
from jackbean.cli.outcomes import Goal
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb terminate                       asks for the name, to be sure
jb terminate shop-dev --force      asks nothing
jb terminate --all                 the application: environments, versions and all
"""


@click.command("terminate", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("--force", is_flag=True, help="Do not ask.")
@click.option("--ignore-links", is_flag=True, help="Even if another environment is linked to it.")
@click.option("--all", "everything", is_flag=True, help="The application and all it has.")
@click.option("--timeout", type=float, default=10, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(
    place: Workplace,
    environment: str | None,
    force: bool,
    ignore_links: bool,
    everything: bool,
    timeout: float,
    nohang: bool,
) -> None:
    """End an environment: its instances, its load balancer, its name. Versions stay."""
    waited = None if nohang else timeout
    if everything:
        _delete_application(place, waited, force=force)
        return
    found = place.environment(environment)
    name = found["EnvironmentName"]
    if not force:
        type_name(f"environment {name}", name)
    answer = place.cloud.beanstalk.terminate_environment(
        EnvironmentName=name, ForceTerminate=ignore_links
    )
    if waited is not None:
        place.await_end(Goal.TERMINATE, answer, waited)
    place.project.forget(name)
    place.screen.show({"EnvironmentName": name, "Terminated": waited is not None}, [])


def _delete_application(place: Workplace, waited: float | None, *, force: bool) -> None:
    application = place.project.required().application
    running = place.cloud.beanstalk.describe_environments(
        ApplicationName=application, IncludeDeleted=False
    )["Environments"]
    names = ", ".join(e["EnvironmentName"] for e in running) or "none"
    what = f"application {application}, its versions and its environments ({names})"
    if not force:
        type_name(what, application)
    answer = place.cloud.beanstalk.delete_application(
        ApplicationName=application, TerminateEnvByForce=True
    )
    if waited is not None:
        place.await_end(Goal.DELETE, answer, waited)
    for environment in running:
        place.project.forget(environment["EnvironmentName"])
    place.screen.show({"ApplicationName": application, "Deleted": waited is not None}, [])
