"""`jackbean`: the operator's command."""

from __future__ import annotations

import asyncio
import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from jackbean import __version__
from jackbean.core.errors import JackbeanError
from jackbean.server.home import Home
from jackbean.server.options import ServeOptions

Command = TypeVar("Command", bound=Callable[..., Any])

log = logging.getLogger("jackbean.cli")

ENGINES = ("auto", "root", "user", "plain")
HELP = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "JACKBEAN"}


def data_dir_option(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("~/.jackbean"),
        envvar="JACKBEAN_DATA_DIR",
        show_default=True,
        help="Where everything of this installation is kept.",
    )(command)


@click.group(context_settings=HELP)
@click.version_option(__version__, prog_name="jackbean")
def main() -> None:
    """Elastic Beanstalk on your own machines.

    Start with `jackbean serve`; in another terminal `eval "$(jackbean env)"` points the AWS CLI,
    boto3, `eb` and `jb` at it.
    """


@main.command()
@data_dir_option
@click.option(
    "--listen",
    default="127.0.0.1:8700",
    envvar="JACKBEAN_LISTEN",
    show_default=True,
    metavar="HOST:PORT",
    help="Where the AWS API is served.",
)
@click.option(
    "--http-port",
    default=7080,
    envvar="JACKBEAN_HTTP_PORT",
    show_default=True,
    help="The port of every load balancer.",
)
@click.option(
    "--https-port",
    default=7443,
    envvar="JACKBEAN_HTTPS_PORT",
    show_default=True,
    help="Set aside for HTTPS, which load balancers do not serve yet: nothing listens there.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    envvar="JACKBEAN_ENGINE",
    show_default=True,
    help="How instances are isolated; auto takes the best there is.",
)
@click.option(
    "--domain",
    default="localhost",
    envvar="JACKBEAN_DOMAIN",
    show_default=True,
    help="What environments' names end in.",
)
@click.option(
    "--region",
    default="us-east-1",
    envvar="JACKBEAN_REGION",
    show_default=True,
    help="The region that names everything here.",
)
@click.option("--verbose", "-v", is_flag=True, envvar="JACKBEAN_VERBOSE", help="Log more.")
@click.pass_context
def serve(
    context: click.Context,
    data_dir: Path,
    listen: str,
    http_port: int,
    https_port: int,
    engine: str,
    domain: str,
    region: str,
    verbose: bool,
) -> None:
    """Serve this installation until told to stop (Ctrl-C or SIGTERM).

    Stopping, or even killing, this process leaves every environment serving; the next `serve`
    takes over. To stop everything: `jackbean down`.
    """
    from jackbean.server.serve import serve as run

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
        stream=sys.stderr,
    )
    if context.get_parameter_source("https_port") is not ParameterSource.DEFAULT:
        log.warning("--https-port %d: load balancers do not serve HTTPS yet", https_port)
    host, port = _address(listen)
    options = ServeOptions(
        data_dir=data_dir.expanduser(),
        host=host,
        port=port,
        http_port=http_port,
        engine=engine,
        domain=domain,
        region=region,
    )
    _guarded(lambda: run(options))


@main.command()
@data_dir_option
def down(data_dir: Path) -> None:
    """Stop instances, Envoy and the server, also when the server is dead.

    Nothing is lost: with the next `jackbean serve` every instance comes back.
    """
    from jackbean.server.down import down as run

    options = ServeOptions(data_dir=data_dir.expanduser())
    _guarded(lambda: asyncio.run(run(options, lambda text: click.echo(text, err=True))))


@main.command()
@data_dir_option
def env(data_dir: Path) -> None:
    """Print the variables that point AWS clients here: eval "$(jackbean env)"."""
    home = Home(data_dir.expanduser())

    def show() -> None:
        identity, serving = home.known(), home.serving()
        if identity is None or serving is None:
            raise click.ClickException(
                f"nothing has been served from {home.directory} yet; run `jackbean serve` first"
            )
        values = {
            "AWS_ENDPOINT_URL": serving.url,
            "AWS_ACCESS_KEY_ID": identity.access_key,
            "AWS_SECRET_ACCESS_KEY": identity.secret_key,
            "AWS_REGION": identity.region,
            "AWS_DEFAULT_REGION": identity.region,
        }
        for name, value in values.items():
            click.echo(f"export {name}={shlex.quote(value)}")

    _guarded(show)


@main.command()
@data_dir_option
@click.option(
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to answer; json is one document on stdout.",
)
def status(data_dir: Path, output: str) -> None:
    """Say what is served here, how instances are isolated, and what runs.

    Works also when the server is dead; ends with 3 then.
    """
    from jackbean.cli.installation import NOT_SERVED, lines, look
    from jackbean.cli.screen import Screen

    screen = Screen()
    screen.json = output == "json"

    def show() -> None:
        document = look(data_dir.expanduser().absolute())
        screen.show(document, lines(document))
        if not document["Server"]["Answers"]:
            sys.exit(NOT_SERVED)

    _guarded(show)


@main.group()
def runtimes() -> None:
    """Languages of the platforms: which are here, which can be fetched.

    A platform fetches what it needs when an instance first wants it; here it is done beforehand.
    """


@runtimes.command("list")
@data_dir_option
@click.option(
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to answer; json is one document on stdout.",
)
def list_runtimes(data_dir: Path, output: str) -> None:
    """Say of every language that a platform needs whether it is here, and what brings it."""
    from jackbean.cli.runtimes import lines, rows
    from jackbean.cli.screen import Screen

    screen = Screen()
    screen.json = output == "json"
    found = rows(data_dir.expanduser().absolute())
    _guarded(lambda: screen.show({"Runtimes": found}, lines(found)))


@runtimes.command("add")
@click.argument("name", metavar="NAME")
@data_dir_option
def add_runtime(name: str, data_dir: Path) -> None:
    """Fetch a language now, such as nodejs-24: once for this machine, checked by its hash."""
    from jackbean.cli.runtimes import add

    folder = data_dir.expanduser().absolute()
    _guarded(lambda: add(folder, name, lambda text: click.echo(text, err=True)))


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{listen!r} is not HOST:PORT", param_hint="--listen")
    return host.strip("[]"), int(port)


def _guarded(action: Callable[[], None]) -> None:
    """Run, and turn what went wrong on purpose into a sentence and exit code 1."""
    try:
        action()
    except JackbeanError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
