"""Driving the control plane's own decisions over made-up instances, turn by turn.

A turn is that of the loop: look, decide, do what was decided. Between turns nothing is polled: time
goes on to the next instant at which an instance does something by itself, or at which the decision
would be another one (a timeout, the end of an evaluation), which is found by bisection. So the
clocks of policies are not known here, and a day of waiting costs as much as a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from jackbean.control.decide import decide
from jackbean.control.rehearsal.doubles import UNCOUNTED, Double, Terms, Trouble
from jackbean.control.rehearsal.moments import Moment, moment
from jackbean.control.rehearsal.pace import Pace
from jackbean.control.scene import Decision, Namer, Scene
from jackbean.control.terms import Terms as ReleaseTerms
from jackbean.core.environments import Environment
from jackbean.core.fleet import PARKED, Fleet, Instance, Machine, Sight
from jackbean.core.installation import Installation
from jackbean.core.operations import Operation
from jackbean.core.records import replace
from jackbean.rollouts.service import endable
from jackbean.stacks.engine import assumed

TURNS_MAX = 20_000
HORIZON_S = 172_800.0  # nothing that an update waits for lasts longer
NOWHERE = Installation("us-east-1", "000000000000")


class Names:
    """ports.Ids for made-up instances, numbered from `first`."""

    def __init__(self, first: int) -> None:
        self.taken = first

    def instance(self) -> str:
        self.taken += 1
        return f"new-{self.taken}"

    def environment(self) -> str:
        return "e-rehearsed"

    def request(self) -> str:
        return "rehearsed"

    def suffix(self, length: int) -> str:
        return "R" * length

    def secret(self) -> str:
        return ""


@dataclass(frozen=True)
class State:
    """Everything at the beginning of a turn; `taken` is how many names are used up."""

    turn: int
    environment: Environment
    doubles: Mapping[str, Double]
    taken: int = 0


@dataclass(frozen=True)
class Script:
    """What stays the same during a rehearsal: the releases by number, the pace, what goes wrong."""

    releases: Mapping[int, ReleaseTerms]
    goal: int
    began: float
    pace: Pace
    trouble: Trouble

    def at(self, turn: int) -> float:
        return self.began + turn * self.pace.look_s

    def turn(self, at: float) -> int:
        """Return the first turn at or after an instant."""
        return math.ceil((at - self.began) / self.pace.look_s - 1e-6)

    def held(self, environment: Environment) -> ReleaseTerms:
        """Return the terms of the release that it is on its way to, or on."""
        operation = environment.operation
        number = (operation.release if operation else None) or environment.release
        return self.releases[number or self.goal]

    def terms(self, state: State) -> Terms:
        gate = self.held(state.environment).gate
        return Terms(self.at(state.turn), self.pace, gate, self.trouble)


@dataclass
class Run:
    """What came of it: `steps` are the turns that decided something, before and after.

    `ended` is the operation as it ended, and `ended_s` when; None where it never did. `last` is
    where it came to rest, or was given up.
    """

    last: State
    frames: list[Moment] = field(default_factory=list)
    steps: list[tuple[State, State]] = field(default_factory=list)
    ended: Operation | None = None
    ended_s: float | None = None


def run(state: State, script: Script) -> Run:
    """Let it run until it rests: the operation over, and nothing left that would change."""
    result = Run(state)
    for _ in range(TURNS_MAX):
        state = _settled(state, script)
        result.frames.append(frame(state, script))
        decision, after = take(state, script)
        if decision.ended is not None:
            result.ended, result.ended_s = decision.ended, state.turn * script.pace.look_s
        if after.environment is not state.environment:
            result.steps.append((state, replace(after, turn=state.turn + 1)))
        following = _next(state, after, script)
        if following is None:
            break
        result.last = state = replace(after, turn=following)
    return result


def absent(state: State, script: Script, seconds: float) -> State:
    """Let time pass without a control plane: instances go on, nothing is decided."""
    turns = max(1, script.turn(script.began + seconds))
    for _ in range(turns):
        state = replace(_settled(state, script), turn=state.turn + 1)
        terms, members = script.terms(state), {m.id: m for m in state.environment.members}
        doubles = {
            name: replace(double.obey(members[name].assignment, terms), passes=UNCOUNTED)
            for name, double in state.doubles.items()
            if name in members
        }
        state = replace(state, doubles=doubles)
    return state


def frame(state: State, script: Script) -> Moment:
    """Return how things stand at the beginning of a turn."""
    environment, terms = state.environment, script.terms(state)
    running = {name: double.running for name, double in state.doubles.items()}
    serving = {name for name, double in state.doubles.items() if double.serves(terms)}
    parked = {member.id for member in environment.members if member.group == PARKED}
    asked = _sharing(serving - parked or serving, running, environment.split, script.goal)
    at_s = state.turn * script.pace.look_s
    return moment(at_s, environment, asked, running, script.goal)


def _sharing(
    serving: set[str], running: Mapping[str, int | None], split: int | None, goal: int
) -> set[str]:
    """Leave out the side that gets no requests where they are split."""
    new = {name for name in serving if running[name] == goal}
    if split not in {0, 100} or not new or new == serving:
        return serving
    return new if split else serving - new


def take(state: State, script: Script) -> tuple[Decision, State]:
    """Take a turn."""
    terms, names = script.terms(state), Names(state.taken)
    doubles, fleet = _look(state, terms)
    decision = decide(_scene(state, fleet, script), Namer(NOWHERE, names))
    environment = decision.environment
    if environment == state.environment:
        environment = state.environment
    doubles = _performed(environment, doubles, fleet, terms)
    return decision, State(state.turn, environment, doubles, names.taken)


def _settled(state: State, script: Script) -> State:
    terms = script.terms(state)
    return replace(state, doubles={k: d.settle(terms) for k, d in state.doubles.items()})


def _look(state: State, terms: Terms) -> tuple[dict[str, Double], Fleet]:
    doubles, seen = dict(state.doubles), []
    for member in state.environment.members:
        double = doubles.get(member.id)
        if double is None:
            seen.append(Instance(member, Sight(Machine.ABSENT, requests=0), terms.gate.count))
        else:
            doubles[member.id], instance = double.look(member, terms)
            seen.append(instance)
    return doubles, Fleet(tuple(seen))


def _scene(state: State, fleet: Fleet, script: Script, turn: int | None = None) -> Scene:
    held = script.held(state.environment)
    now = script.at(state.turn if turn is None else turn)
    sights = assumed(state.environment.resources)
    return Scene(state.environment, fleet, held.release, held.drain_s, now, sights=sights)


def _performed(
    environment: Environment, doubles: dict[str, Double], fleet: Fleet, terms: Terms
) -> dict[str, Double]:
    """Make machines, routes and agents follow what was decided."""
    performed = {}
    for member in environment.members:
        double = doubles.get(member.id)
        if endable(member):
            continue
        if double is None:
            double = Double(member.id, up=terms.now + terms.pace.launch_s)
        else:
            double = double.route(member.service, terms)
        performed[member.id] = double.obey(member.assignment, terms)
    return performed


def _next(state: State, after: State, script: Script) -> int | None:
    """Return the next turn in which anything can be different; None: there is none."""
    if after.environment is not state.environment or after.doubles != state.doubles:
        return state.turn + 1
    terms = script.terms(after)
    instants = [t for d in after.doubles.values() for t in d.instants(terms) if t > terms.now]
    event = min(instants, default=math.inf)
    horizon = script.turn(min(event, terms.now + HORIZON_S))
    changed = _first_change(after, script, max(horizon, state.turn + 1))
    if changed is not None:
        return changed
    return None if math.isinf(event) else max(horizon, state.turn + 1)


def _first_change(state: State, script: Script, horizon: int) -> int | None:
    """Return the first turn before `horizon` that would decide something; sights stay as is."""
    terms = script.terms(state)
    _, fleet = _look(state, terms)

    def decides(turn: int) -> bool:
        decision = decide(_scene(state, fleet, script, turn), Namer(NOWHERE, Names(state.taken)))
        return decision.environment != state.environment or decision.ended is not None

    low, high = state.turn, horizon - 1
    if high <= low or not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
