"""`jb rollback`: back to the release before."""

from __future__ import annotations

import click

from jackbean.cli.outcomes import Goal
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb rollback                        the environment of this branch
jb rollback shop-dev --nohang

To keep instances at hand for it, set ParkingTime (minutes) of jackbean:deployment.
"""


@click.command("rollback", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("--timeout", type=float, default=10, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(place: Workplace, environment: str | None, timeout: float, nohang: bool) -> None:
    """Go back to the release before: its version and its configuration together.

    Where the instances of that release are parked (ParkingTime of jackbean:deployment), they get
    all requests at once. Otherwise it is deployed again, by the environment's own policy.
    """
    before = place.environment(environment)
    name, label = before["EnvironmentName"], before.get("VersionLabel")
    answer = place.cloud.extension("RollBackEnvironment", EnvironmentName=name)
    shown = {"EnvironmentName": name, "Parked": answer["Parked"]}
    if nohang:
        told = [f"Environment {name} goes back. Follow it with `jb events --follow {name}`."]
        place.screen.show(shown, told)
        return
    place.await_end(Goal.RETURN, answer, timeout)
    now = place.environment(name).get("VersionLabel")
    told = [f"Environment {name} is on version {now}."]
    if now == label:
        told += ["It was before: the release before was of other settings. Another version comes"]
        told += ["with `jb deploy --version LABEL`; `jb deployments` tells which there were."]
    place.screen.show({**shown, "VersionLabel": now}, told)
