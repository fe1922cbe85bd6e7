"""The commands as a page: made from the commands themselves, so that it says what they do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click

from jackbean.cli.jackbean import main as jackbean
from jackbean.cli.jb import GROUPS
from jackbean.cli.verb import Verb, shared

HEAD = """\
# Commands

<!-- Made from the commands themselves by `./dev docs`. Change them, not this page. -->

`jackbean` is the operator's: it serves an installation. `jb` is the developer's: it has the verbs
and the flags of the EB CLI, reads and writes the same `.elasticbeanstalk/config.yml`, and speaks to
Jackbean and to AWS alike.

## Exit codes

Those of `jb` are the EB CLI's, but 0 is only ever said when everything went as asked.

| Code | `jb` |
|---|---|
| 0 | it went as asked |
| 2 | nobody answers; or the command line is wrong |
| 3 | the environment is busy ("Must be Ready"); or no region is known |
| 4 | everything else: refused, failed, not ended within `--timeout` |
| 5 | interrupted; or no environment is chosen for this branch |
| 126 | the folder has not been set up |
| 141 | whoever read the output has gone |

`jackbean` ends with 0, with 1 where it could not, with 2 where the command line is wrong;
`jackbean status` ends with 3 where nobody serves.

## Where `jb` goes

The first of these that is there:

1. `--endpoint-url`, then `AWS_ENDPOINT_URL_ELASTIC_BEANSTALK`, then `AWS_ENDPOINT_URL`;
2. `--profile`, the profile in config.yml, `AWS_PROFILE` or `AWS_EB_PROFILE`: what it says;
3. the installation that is being served from `JACKBEAN_DATA_DIR`, else from `~/.jackbean`, with its
   own keys: nothing has to be set up;
4. AWS, as every AWS program finds it.

The region is that of `--region`, else of config.yml, of `AWS_REGION`, of `AWS_DEFAULT_REGION`, else
of the profile or the installation. `-v` says what was chosen.

## Output for programs

With `--output json`, stdout is one JSON document and nothing else; events and remarks go to stderr.
The members are those of the AWS API. A failure is a document, too: `{"Error": {"Code", "Message"},
"ExitCode"}`. `jb events --follow` alone prints one document a line, for it has no end.

## What only `eb` has

`eb` itself works against Jackbean, so nothing is out of reach. `jb` has no verbs for saved
configurations, clones, swaps, tags, platforms and lifecycles, and leaves out the flags that need
CodeCommit, CodeBuild or a language model (`--source`, `--analyze`) or several modules at once
(`--modules`, `--env-group-suffix`).
"""


def commands_page() -> str:
    return "\n".join((HEAD, *_jackbean(), *_jb()))


def _jackbean() -> Iterator[str]:
    yield "## jackbean\n"
    context = click.Context(jackbean, info_name="jackbean")
    for name in jackbean.list_commands(context):
        command = jackbean.get_command(context, name)
        if command is not None:
            yield from _command("jackbean", command)
        for inner in command.commands.values() if isinstance(command, click.Group) else ():
            yield from _command(f"jackbean {name}", inner)


def _jb() -> Iterator[str]:
    yield "## jb\n"
    yield "Every verb takes these, too:\n"
    yield from _table(list(shared()))
    for verbs in GROUPS.values():
        for name in verbs:
            command = import_module(f"jackbean.cli.verbs.{name}").command
            yield from _command("jb", command)
            for inner in command.commands.values() if isinstance(command, click.Group) else ():
                yield from _command(f"jb {name}", inner)


def _command(program: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"{program} {command.name}")
    pieces = [piece for p in command.params for piece in p.get_usage_pieces(context)]
    yield f"### {program} {command.name}\n"
    yield f"    {' '.join((program, str(command.name), '[OPTIONS]', *pieces))}\n"
    yield f"{_unwrapped(command.help or '')}\n"
    everywhere = {name for option in shared() for name in option.opts}
    own = [p for p in command.params if isinstance(p, click.Option)]
    if isinstance(command, Verb):
        own = [p for p in own if not everywhere & set(p.opts)]
    if own:
        yield from _table(own)
    if isinstance(command, Verb):
        yield from (f"    {line}" for line in command.examples.splitlines())
        yield ""


def _table(options: list[click.Option]) -> Iterator[str]:
    yield "| Flag | Takes | Default | |"
    yield "|---|---|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in option.opts)
        default = f"`{option.default}`" if _has_default(option) else ""
        yield f"| {names} | {_takes(option)} | {default} | {option.help or ''} |"
    yield ""


def _has_default(option: click.Option) -> bool:
    return bool(option.show_default) and not option.is_flag and bool(option.default)


def _takes(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    return (option.metavar or option.type.name).lower().replace("|", "/")


def _unwrapped(text: str) -> str:
    """Return help as paragraphs of one line each."""
    paragraphs = (" ".join(p.split()) for p in text.split("\n\n"))
    return "\n\n".join(paragraphs)
