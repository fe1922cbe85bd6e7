"""`jb`: the developer's command. The verbs and flags of the EB CLI, against Jackbean or AWS.

A verb's module is imported when it is called: `jb --help` needs none of them, and no botocore.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from jackbean import __version__
from jackbean.cli.failures import Interrupted, explain
from jackbean.cli.screen import Screen
from jackbean.cli.workplace import Workplace

HELP = """Run applications as environments: on Jackbean, or on AWS Elastic Beanstalk.

Begin in the folder of an application: `jb create` makes everything that is needed, and then
`jb deploy` brings every change. Try it without one: `jb create --sample`.

Where: AWS_ENDPOINT_URL says it; without it, an installation that runs on this machine
(`jackbean serve`) is found by itself, and else it is AWS.
"""
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Begin": {
        "init": "Set up a folder: its application and its platform.",
        "create": "Make an environment, and whatever it needs.",
        "use": "Choose the environment that commands of this branch mean.",
    },
    "Every day": {
        "deploy": "Bring this folder to an environment.",
        "plan": "Rehearse a deployment, compare policies, choose one.",
        "open": "Open an environment in the browser.",
        "status": "Say what an environment is and how it does.",
        "health": "Show the health of every instance, and why.",
        "events": "Tell what has happened.",
        "deployments": "Show what deployments did to requests.",
        "logs": "Show or fetch the logs of the instances.",
        "messages": "Show the messages of a worker and what came of them.",
        "cron": "Show, run and suspend the periodic tasks of a worker.",
        "list": "List environments.",
    },
    "Change": {
        "rollback": "Go back to the release before.",
        "abort": "Give up the update that is under way.",
        "swap": "Exchange the CNAMEs of two environments.",
        "scale": "Set the number of instances.",
        "setenv": "Set environment variables.",
        "printenv": "Show environment variables.",
        "export": "Write an environment down as templates for AWS.",
        "terminate": "End an environment.",
    },
}
PIPE_CLOSED = 141  # 128 + SIGPIPE, as a shell would say
VERBS = {name: text for group in GROUPS.values() for name, text in group.items()}


class Verbs(click.Group):
    """Finds a verb by its name, and lists all of them from a table."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command = import_module(f"jackbean.cli.verbs.{name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()))


@click.group(
    cls=Verbs,
    help=HELP,
    epilog="`jb VERB --help` explains a verb and shows examples.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="jb")
def jb() -> None:
    pass


def main() -> None:
    """Run and exit with the code that `failures` tells the meaning of."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Return the exit code of a command line: 0 only if everything went as asked."""
    place = Workplace(Screen())
    try:
        result = jb.main(list(arguments), prog_name="jb", obj=place, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.UsageError as error:
        _usage(place.screen, error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        failure: click.ClickException = Interrupted("Interrupted.")
    except click.ClickException as error:
        failure = error
    except (BrokenPipeError, SystemExit):  # the latter is how click takes the former
        return _closed()
    except Exception as error:
        if place.screen.tracing:
            traceback.print_exc()
        failure = explain(error, _endpoint(place))
    place.screen.fail(failure)
    return failure.exit_code


def _usage(screen: Screen, error: click.UsageError) -> None:
    error.show()
    if screen.json:
        screen.fail(error)


def _closed() -> int:
    """Go quietly where the reader of our output has gone; nothing more is written at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _endpoint(place: Workplace) -> str | None:
    """Return where was asked, if it came to that."""
    if "cloud" not in vars(place) or "beanstalk" not in vars(place.cloud):
        return None
    return None if place.cloud.aws else place.cloud.endpoint


if __name__ == "__main__":
    main()
