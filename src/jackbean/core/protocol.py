"""What the control plane and an instance's agent say to each other: protocol version 1.

The agent dials out to a unix socket and speaks HTTP/1.1 with JSON bodies, its instance's token in
`Authorization: Bearer TOKEN`. This module is shipped with the agent, so it needs the standard
library only.

    POST /v1/report    body: a Report. Answer: an Order, at once if there is news for this instance,
                       else after at most `HOLD_S` seconds. The agent asks again at once: this is
                       both its heartbeat and how it gets work. Asking anew (the agent has news)
                       ends a waiting request of the same instance.
    GET  /v1/bundle/D  the source bundle whose SHA-256 is D, if this instance's release uses it.
    POST /v1/dependencies   body: a DependencyRequest. Answer: {"path": ...} once resolved, or 422
                       {"cause": ..., "tail": ...}. May take minutes.
    POST /v1/runtime   body: a RuntimeRequest. Answer: {"home", "version", "note", "lacks"}, or 422
                       like that of dependencies. May take minutes: what is missing is fetched.
    POST /v1/notices   body: a Notice, told as an event: once, however many instances say it. 204.
    POST /v1/attempts  body: Attempts, what became of messages that sqsd posted. 204 once they are
                       kept; to say them again changes nothing. One that never arrives is missing
                       from the ledger only: what happens to a message, its queue decides.
    PUT  /v1/logs/R/tail|bundle   the log text (UTF-8) or zip that Order.logs asked for as R.
    POST /v1/lines?path=P&file=F&start=N&gap=0|1   body: whole lines of file F at path P, from
                       byte N on, where the settings stream logs. Answer: {"end": ...}, how far F
                       has been taken: go on there. 409: they are not streamed. 429: later.
    PUT  /v1/publish/N   body: a rotated log, compressed, to be kept as N where the settings say so.
    POST /v1/follow/I?path=P   body: lines for those who follow as I. 204; 404: nobody does.
    POST /v1/steps     body: {"serial", "step", "seconds"}: progress, for people. Answer 204.
    GET  /v1/object/B/K   the object K of bucket B, if this instance's release names it.
    GET  /v1/credentials  {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration" (seconds
                       since the epoch), "AccountId", "Role"}: this instance's own AWS keys, good
                       for some hours, with ?for=variables for a year, and no longer than it is
                       a member of its environment. The token comes as X-Amz-Security-Token.
    POST /v1/enough    body: {}. Every ReceiveMessage of this instance that waits is answered now,
                       with messages if it has got some. 204. A daemon that is to stop says so: if
                       it hung up, a message could be left with nobody for a while.
    POST /             a request of AWS's protocols, signed with such keys: SQS for the daemon of a
                       worker, which needs no other way to the control plane.

401: the token is not known (the instance has been terminated): the agent stops everything and
exits. 426: the protocol version is not spoken here. Anything else, or no answer: try again, from
100 ms to at most 2 s apart; what runs goes on running.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

VERSION = 1
HOLD_S = 10.0
REPORT_S = 10.0  # how often health is reported when nothing else happens
BUNDLE_BYTES_MAX = 512 << 20
LOG_BYTES_MAX = 64 << 20
ATTEMPTS_MAX = 200  # in one body: more are said in the next
NUMBER_MAX = 2**53  # beyond it, and with infinity, arithmetic goes wrong in one way or another


@dataclass(frozen=True)
class AgentConfig:
    """The file that the engine writes and the agent reads first (path in its first argument).

    `prefix` is put before every absolute path that Elastic Beanstalk defines (`/var/app/current`):
    empty where the instance has a file system of its own. `app_port` is the port that the
    application is told (0: the platform's default); `user` the account that it runs as, empty to
    stay who we are. `tools` are the paths of `nginx`, `uv` and so on; `pythons` maps "3.11" to the
    interpreter of that platform. Where `metadata_port` is not 0, what programs send to the
    address of the instance metadata service arrives there; `metadata_v1` is whether it answers
    those who bring no token. `names` is the address on which the agent is a name server ("": it is
    none): for AWS's names it answers with that of `control_plane`, and asks `upstream` for others.
    """

    instance: str
    token: str
    socket: str
    address: str
    port: int
    prefix: str = ""
    app_port: int = 0
    app_host: str = "127.0.0.1"
    user: str = ""
    mode: str = "plain"
    tools: dict[str, str] = field(default_factory=dict)
    pythons: dict[str, str] = field(default_factory=dict)
    instance_type: str = ""
    metadata_port: int = 0
    metadata_v1: bool = False
    names: str = ""
    control_plane: str = ""
    upstream: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Manifest:
    """Everything an instance must know of a release.

    `digest` names the bundle; None means `sample` (a digest as well, of the platform's sample).
    `environment` are the environment properties. `options` maps namespace to name to value, of the
    settings that concern an instance. `hooks` is the folder of hooks to run: "hooks" for an
    application deployment, "confighooks" for a configuration deployment, "restart" for a restart,
    which has none. `extensions` are the bundle's config files, each as `jackbean.core.instructions`
    has it; they are for application deployments.
    """

    release: int
    version_label: str
    environment_name: str
    environment_id: str
    application_name: str
    region: str
    account: str
    platform: str  # family: "python", "node.js" ...
    platform_version: str  # of the language: "3.11"
    digest: str
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    hooks: str = "hooks"
    extensions: list[dict[str, Any]] = field(default_factory=list)
    timeout_s: float = 600.0
    drain_s: float = 20.0  # how long a stopping application may take over its last requests
    framework_version: str = ""  # of what the language runs there: Tomcat's "10"
    worker: dict[str, Any] | None = None  # on the worker tier, as a Worker


@dataclass(frozen=True)
class Worker:
    """What an instance of a worker environment does with its queue.

    `queue_url` is any URL of the queue, of which only the path counts; `queue_name` what the
    application is told. The others are the settings of `aws:elasticbeanstalk:sqsd`, in seconds
    where they are times.
    """

    queue_url: str
    queue_name: str
    http_path: str = "/"
    mime_type: str = "application/json"
    http_connections: int = 50
    connect_timeout_s: int = 5
    inactivity_timeout_s: int = 299
    visibility_timeout_s: int = 300
    error_visibility_timeout_s: int = 2
    retention_period_s: int = 345_600


@dataclass(frozen=True)
class Order:
    """What an agent is to do. `serial` only rises; an agent refuses a lower one.

    `work` is "stage", "activate" or "restart"; empty when there is nothing to do. `logs` are ids
    of requests for logs, mapped to "tail" or "bundle". `follow` are ids of live views of logs,
    mapped to {"files": patterns, "lines": how many that are there already, "since": or from when}.

    `polling` says whether an instance of a worker environment may take messages from its queue. It
    counts besides the serial, whatever the work is: told False, the instance receives no more,
    finishes what it has or gives it back after at most the manifest's `drain_s`, and then says
    `drained`; told True it begins again. Staging goes on beside it; for activating and restarting
    the instance stops its daemon by itself, and starts it afterwards where it may poll. An agent
    keeps to what it was told last. For a web environment it means nothing.
    """

    serial: int = 0
    work: str = ""
    leader: bool = False
    manifest: dict[str, Any] | None = None
    logs: dict[str, str] = field(default_factory=dict)
    follow: dict[str, Any] = field(default_factory=dict)
    protocol: int = VERSION
    polling: bool = True


@dataclass(frozen=True)
class Report:
    """What an agent knows. `state` is "working", "done" or "failed", of assignment `serial`.

    `running` and `staged` are release numbers. `failure` is {step, cause, log, tail}. `application`
    is "up", "down" (a process keeps dying) or "" (nothing to run yet). `requests` counts what nginx
    served since the last report by status class, `latencies_s` up to 1,000 of their durations, over
    `duration_s` seconds. `system` is {"cpu": {user, nice, system, idle, iowait, irq, softirq} in
    percent, "load": [1, 5, 15 minutes], "memory_bytes"}. `deployed` is {"release", "label",
    "status": "In Progress"|"Deployed"|"Failed", "at": seconds since the epoch, "seconds"}.
    `following` are the live views of logs that it sends lines for.

    Of a worker: `polling` is what the last Order that was heard said of it. `in_flight` counts the
    messages that the daemon has received and neither deleted nor given back; None while no daemon
    runs. `drained` says that the daemon was told to stop by an Order and has ended: the instance
    holds no message, and will receive none before it is told that it may. `polled_s` is how long
    ago the queue last answered the daemon; None if it never did since the daemon was started.
    """

    instance: str
    serial: int = 0
    state: str = ""
    running: int | None = None
    staged: int | None = None
    failure: dict[str, str] | None = None
    application: str = ""
    causes: list[str] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    duration_s: float = 0.0
    system: dict[str, Any] = field(default_factory=dict)
    deployed: dict[str, Any] = field(default_factory=dict)
    started_at: float = 0.0
    following: list[str] = field(default_factory=list)
    protocol: int = VERSION
    polling: bool = True
    in_flight: int | None = None
    drained: bool = False
    polled_s: float | None = None


@dataclass(frozen=True)
class DependencyRequest:
    """A dependency file to be resolved once for everybody with the same one.

    `kind` is "pip"; `runtime` the language version; `files` maps names to texts, the first of which
    is what is installed and the others what it includes.
    """

    kind: str
    runtime: str
    files: dict[str, str]


@dataclass(frozen=True)
class RuntimeRequest:
    """A language that a release needs, as platform branches name it: ("nodejs", "24")."""

    language: str
    version: str


@dataclass(frozen=True)
class Notice:
    """What an instance finds worth telling of a release: `severity` is "INFO" or "WARN"."""

    release: int
    severity: str
    text: str


@dataclass(frozen=True)
class Attempt:
    """One time that a message was posted to the application, and what came of it.

    `receipt` is the receipt handle that the message came with: it names the message and the
    attempt, and proves that it was handed out. `message` is the message's id, `at` when the request
    began (seconds since the epoch), `seconds` how long until its answer. `status` is that of HTTP;
    where there was no answer it is 0 and `error` says why in a few words ("timed out"). `task` is
    the periodic task, "" for another message.
    """

    receipt: str
    message: str
    at: float
    seconds: float
    status: int = 0
    error: str = ""
    task: str = ""


@dataclass(frozen=True)
class Attempts:
    """What became of messages, in the order of the answers: each as an Attempt."""

    attempts: list[dict[str, Any]]


Shape = TypeVar("Shape")


def to_json(shape: Any) -> dict[str, Any]:
    """Return a shape as what `json.dumps` takes."""
    return asdict(shape)


def from_json(kind: type[Shape], data: Any) -> Shape:
    """Return `data` as a shape; members that this version does not know are left out.

    Raises ValueError where it is no object, lacks a required member or holds one of another type:
    either side may be hostile.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__} is an object, not {type(data).__name__}")
    shape: Any = kind
    hints = _hints(shape)
    known = {name: value for name, value in data.items() if name in hints}
    for name, value in known.items():
        if not _fits(value, hints[name]):
            raise ValueError(f"{kind.__name__}.{name} cannot be this {type(value).__name__}")
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items()
        )
    if origin is list:
        return isinstance(value, list) and all(_fits(v, inner[0]) for v in value)
    if inner:  # a union
        return any(_fits(value, option) for option in inner)
    return _single(value, hint)


def _single(value: Any, hint: Any) -> bool:
    if hint in {int, float}:
        whole = isinstance(value, int) and not isinstance(value, bool)
        number = whole or (hint is float and isinstance(value, float))
        return number and -NUMBER_MAX <= value <= NUMBER_MAX
    return isinstance(value, hint)
