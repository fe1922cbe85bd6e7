"""What must hold of every history, in one place.

`Chronicle` watches commits as they happen; `check_rest` looks at a universe that has come to rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from jackbean.control.story import narration
from jackbean.core.certificates import Certificate, End
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import JackbeanError
from jackbean.core.events import Event, Severity
from jackbean.core.fleet import PARKED, TEMPORARY, Service
from jackbean.core.operations import Abort, Operation
from jackbean.core.rollouts import BESIDE, Rollout, Stage
from jackbean.ports.store import AddEvent, Change, EventQuery, PutCertificate, PutEnvironment
from jackbean.simulator.universe import Universe

RESTING = frozenset({Status.READY, Status.TERMINATED})
SUCCESSES = (
    narration.UPDATED,
    narration.CONFIGURED,
    narration.TERMINATED,
    narration.LAUNCHED.format(env=""),
    narration.SWAPPED.partition("'")[0],
)
FAILURES = (
    narration.LAUNCH_FAILED,
    narration.DEPLOY_FAILED,
    narration.CONFIGURE_FAILED,
    narration.REVERTED,
)
POINTS = narration.POINTS.split("'")[2]
OPENINGS = tuple(narration.STARTING.values())


class ViolationError(JackbeanError):
    """A history that must not be."""


def require(condition: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ViolationError(what)


def ends_story(message: str) -> bool:
    """Whether clients stop reading at this event."""
    return message.startswith((*SUCCESSES, *FAILURES))


class Chronicle:
    """Every commit, checked as it takes effect."""

    def __init__(self) -> None:
        self.statuses: dict[str, Status] = {}
        self.uniform: dict[str, bool] = {}  # whether all instances must run the same
        self.won: dict[str, bool] = {}  # whether the last rollout has succeeded
        self.commits = 0
        self._operations: dict[str, Operation | None] = {}
        self._led: set[tuple[str, int]] = set()  # releases that somebody was told to lead

    def __call__(self, changes: Sequence[Change]) -> None:
        self.commits += 1
        events = [c.event for c in changes if isinstance(c, AddEvent)]
        certificates = [c.certificate for c in changes if isinstance(c, PutCertificate)]
        for certificate in certificates:
            _check_end(certificate, events)
        certified = {(c.environment_id, c.number) for c in certificates}
        for change in changes:
            if isinstance(change, PutEnvironment):
                self._certified(change.environment, certified)
                self._environment(change.environment, events)
                self._leader(change.environment)
                _check_share(change.environment)

    def _certified(self, environment: Environment, certified: set[tuple[str, int]]) -> None:
        """Require a certificate with the end of every rollout, and none before."""
        before, now = self._operations.get(environment.id), environment.operation
        if before is None or before.rollout is None:
            require(not certified, f"{environment.name} certifies what it never did")
            return
        over = now is None or now.number != before.number
        given = {(environment.id, before.number)} if over else set()
        require(certified == given, f"{environment.name} has certified {sorted(certified)}")

    def _environment(self, environment: Environment, events: list[Event]) -> None:
        before = self.statuses.get(environment.id)
        operation = self._operations.get(environment.id)
        self.statuses[environment.id] = environment.status
        self._operations[environment.id] = environment.operation
        came_to_rest = environment.status in RESTING and before not in RESTING
        endings = [e for e in events if ends_story(e.message)]
        if came_to_rest and operation is not None and operation.rollout is not None:
            self._judge(environment, operation, endings)
        superseding = any(e.message in OPENINGS for e in events)
        if came_to_rest:
            swapped = any(POINTS in e.message for e in events)
            told = bool(endings) or swapped
            require(told, f"{environment.name} came to rest and nobody was told")
        elif endings and not superseding:
            text = f"{endings[0].message!r} was told before {environment.name} was ready"
            raise ViolationError(text)
        ids = [m.id for m in environment.members]
        require(len(ids) == len(set(ids)), "an instance is a member twice")

    def _judge(self, environment: Environment, operation: Operation, endings: list[Event]) -> None:
        """Note whether the fleet must be on one release now.

        It must after a rollout has succeeded, or reverted in place. After one that failed otherwise
        it may be mixed; what concerns no instances, or withdraws its own, leaves it as it was.
        """
        told = [e.message for e in endings]
        won = any(m.startswith(SUCCESSES) for m in told)
        ended = environment.status is Status.TERMINATED
        require(ended or not (operation.aborted and won), "it was aborted and has succeeded")
        self.won[environment.id] = won
        reverting = operation.rollout is not None and operation.rollout.stage is Stage.REVERTING
        back = reverting or operation.undoing
        known = operation.previous is not None  # else there is nothing to go back to
        stopped = operation.aborted and operation.abort is Abort.REVERT and known and not back
        require(ended or not stopped, "it was aborted and did not go back")
        rollout = operation.rollout
        self._check_led(environment, rollout, won=won)
        beside = rollout is not None and rollout.policy in BESIDE
        if won or (narration.REVERTED in told and not beside):
            self.uniform[environment.id] = True
        elif told and not beside:
            self.uniform[environment.id] = False

    def _leader(self, environment: Environment) -> None:
        """Require that no two instances run what only one of them may run."""
        rollout = environment.operation.rollout if environment.operation else None
        if rollout is None:
            return
        told = [m for m in environment.members if m.assignment and not m.leaving]
        goals = [m for m in told if m.assignment and m.assignment.release == rollout.goal]
        leading = [m.id for m in goals if m.assignment and m.assignment.leader]
        require(len(leading) <= 1, f"more than one leads to {rollout.goal}: {leading}")
        if leading:
            self._led.add((environment.id, rollout.goal))

    def _check_led(self, environment: Environment, rollout: Rollout | None, *, won: bool) -> None:
        """Require of a deployment that has succeeded that somebody has led it.

        Nobody leads new instances that come for settings alone, nor those that are back.
        """
        if rollout is None or not won or rollout.policy == "Rollback":
            return
        led = (environment.id, rollout.goal) in self._led
        wanted = rollout.leads or rollout.policy not in {"Replacement", *BESIDE}
        require(led is wanted, f"{rollout.goal} is led: {led}, and is to be: {wanted}")


def _check_end(certificate: Certificate, events: Sequence[Event]) -> None:
    """Require that a certificate has the end that people are told of."""
    told = [e.message for e in events if e.request_id == certificate.request_id]
    won = any(message.startswith(SUCCESSES) for message in told)
    same = won is (certificate.end is End.SUCCEEDED)
    require(same, f"{certificate.end} is certified, and told is {told}")


def _check_share(environment: Environment) -> None:
    """Require that a canary has its share while it is evaluated, and no requests before."""
    rollout = environment.operation.rollout if environment.operation else None
    if rollout is None or rollout.policy != "TrafficSplitting":
        return
    new = any(m.group == TEMPORARY and not m.leaving for m in environment.members)
    if new and rollout.stage is Stage.ADVANCING:
        share = rollout.percent if rollout.evaluating else 0
        require(environment.split == share, f"a canary has {environment.split} %, not {share} %")


def check_names(
    universe: Universe, environments: Sequence[Environment], given: frozenset[str]
) -> None:
    """Raise a ViolationError unless every CNAME leads to the environment that has it.

    `given` are the prefixes that were handed out; they may change hands and never get lost.
    """
    have = {e.cname_prefix for e in environments}
    require(have <= given, f"CNAMEs came from nowhere: {sorted(have - given)}")
    for environment in environments:
        if environment.worker:
            continue
        hostname = universe.world.installation.hostname(environment.cname_prefix)
        owner = universe.router.owner(hostname)
        require(owner == environment.id, f"{hostname} leads to {owner}")


async def check_rest(universe: Universe) -> None:
    """Raise a ViolationError unless everything is as intended, and nothing is left over."""
    environments = await universe.environments()
    for environment in environments:
        _check_settled(universe, environment, mixed=await _failed(universe, environment))
    members = {m.id for e in environments for m in e.members}
    cut_off = universe.engine.cut_off
    require(not cut_off, f"instances were ended while they held messages: {cut_off}")
    leaked = set(universe.engine.nodes) - members
    require(not leaked, f"instances leaked: {sorted(leaked)}")
    await _check_story(universe)


async def _failed(universe: Universe, environment: Environment) -> bool:
    """Whether a deployment has ever failed: what that leaves mixed is parked as it was."""
    query = EventQuery(environment_id=environment.id, limit=100_000)
    return any(e.message.startswith(FAILURES) for e in await universe.store.events(query))


def _check_settled(universe: Universe, environment: Environment, *, mixed: bool) -> None:
    name = environment.name
    require(environment.status in RESTING, f"{name} is still {environment.status}")
    require(environment.operation is None, f"{name} still has an operation")
    have = sum(m.counted for m in environment.members)
    require(have == environment.desired, f"{name} has {have} and wants {environment.desired}")
    parked = {m.assignment for m in environment.members if m.group == PARKED and not m.leaving}
    releases = {assignment.release for assignment in parked if assignment}
    require(mixed or len(releases) <= 1, f"{name} has parked several: {sorted(releases)}")
    require(bool(parked) == bool(environment.parked), f"{name}: what is parked is not what it says")
    for member in environment.members:
        require(member.service is Service.IN, f"{member.id} is {member.service} at rest")
        require(not member.leaving, f"{member.id} is leaving at rest")
        require(member.id in universe.engine.nodes, f"{member.id} has no machine")


def check_uniform(universe: Universe, environment: Environment) -> None:
    """Raise a ViolationError unless every instance runs what the environment is on, and serves."""
    receivers = universe.serving(environment)
    parked = {m.id for m in environment.members if not m.counted}
    require(not parked & receivers, f"parked instances get requests: {sorted(parked & receivers)}")
    for member in environment.members:
        if member.id in parked:
            continue
        running = universe.engine.nodes[member.id].running
        same = running == environment.deployment
        require(same, f"{member.id} runs release {running}, not {environment.deployment}")
        require(member.id in receivers, f"{member.id} gets no work")


def _check_once(events: Sequence[Event]) -> None:
    """Nothing that a request caused is told twice; on the way back it may fail as it did there."""
    told = Counter((e.request_id, e.message, e.severity) for e in events if e.request_id)
    twice = [
        message
        for (_, message, severity), count in told.items()
        if count > (1 if severity is Severity.INFO else 2)
    ]
    require(not twice, f"told too often: {twice}")


async def _check_story(universe: Universe) -> None:
    """Every request that was opened was ended once, and dates rise within an environment."""
    events = await universe.store.events(EventQuery(limit=100_000))
    if not universe.faults.upgrades:  # an older program does not know what was told
        _check_once(events)
    opened = Counter(e.request_id for e in events if e.message in OPENINGS)
    require(all(n == 1 for n in opened.values()), "an operation was opened twice")
    for request_id in opened:
        told = [e.message for e in events if e.request_id == request_id]
        endings = [m for m in told if ends_story(m)]
        require(bool(endings), f"the story of {told[-1]!r} never ended")
        require(len(endings) == len(set(endings)), f"an ending was told twice: {endings}")
        mixed = {m.startswith(SUCCESSES) for m in endings}
        require(len(mixed) == 1, f"an operation both succeeded and failed: {endings}")
    last: dict[str, int] = {}
    for event in reversed(events):
        require(
            event.date_ms > last.get(event.scope, 0), f"{event.message!r} is dated out of order"
        )
        last[event.scope] = event.date_ms
