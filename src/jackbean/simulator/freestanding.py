"""Histories of a stack of its own: made, changed, given up and ended, with a crash anywhere.

Each act ends in its target, in what was before, or in a failure that says what it stopped at; the
last one ends the stack. What is to be retained is there at the end, and nothing else is.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from jackbean.control.stacks.desk import StackDesk, Wish
from jackbean.control.stacks.free_steps import FreeSurroundings
from jackbean.core.errors import Fault, PortError
from jackbean.core.freestanding import Freestanding, Plan
from jackbean.core.resources import State
from jackbean.simulator.bundles import template
from jackbean.simulator.faults import Crash, Faults
from jackbean.simulator.invariants import ViolationError, require
from jackbean.simulator.stacks import Custody, check_left, check_real
from jackbean.simulator.universe import Universe
from jackbean.stacks.engine import unmade
from jackbean.stacks.functions import evaluate
from jackbean.stacks.graph import blueprints
from jackbean.stacks.types import provided

NAME = "free"
TURNS_MAX = 3_000  # within which an act must have come to rest
TURN_S = 1.0
ACTS = ("update", "update", "update", "stay", "cancel", "roll back")
WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
BACK = "UPDATE_ROLLBACK_COMPLETE"


@dataclass(frozen=True)
class FreeLife:
    """`acts` follow the making of a stack; before its end a "cancel" is called so many turns later.

    "stay" is an update whose failure is left as it is; `seed` chooses the templates.
    """

    acts: tuple[str, ...] = ("update",)
    stays: bool = False
    cancelled_after: int = 3
    seed: int = 0


@dataclass
class Ends:
    """`statuses` are those in which the stack came to rest, act by act."""

    effects: int = 0
    crashes: int = 0
    statuses: list[str] = field(default_factory=list)


def random_free_life(seed: int) -> tuple[FreeLife, Faults]:
    """Return what a seed stands for."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    acts = tuple(draw.choice(ACTS) for _ in range(draw.randint(0, 4)))
    plan = FreeLife(acts, draw.random() < 0.2, draw.randint(0, 6), seed)
    faults = Faults(
        crash_share=draw.choice((0.0, 0.02, 0.1)),
        refuse_share=draw.choice((0.0, 0.0, 0.1)),
        half_share=draw.choice((0.0, 0.0, 0.1)),
        random=draw,
        crashes_max=draw.choice((1, 3, 8)),
    )
    return plan, faults


async def free_life(plan: FreeLife, faults: Faults | None = None) -> Ends:
    """Live it and check it. Raises a ViolationError where something does not hold."""
    return await _Story(plan, faults or Faults()).live()


class _Story:
    def __init__(self, plan: FreeLife, faults: Faults) -> None:
        self._plan = plan
        self._faults = faults
        self._custody = Custody()
        self._universe = Universe(plan.seed, faults=faults, watch=self._custody)
        self._desk = StackDesk(self._universe.world)
        self._ends = Ends()
        self._templates = 0

    async def live(self) -> Ends:
        made = Wish(NAME, self._next(), stays=self._plan.stays)
        await self._ask(lambda: self._desk.create(made))
        await self._rest(Plan(), ())
        for act in self._plan.acts:
            await self._act(act)
        await self._end()
        self._ends.effects = self._faults.effects
        return self._ends

    async def _act(self, act: str) -> None:
        before = await self._stack()
        if act == "roll back":
            await self._ask(lambda: self._desk.roll_back(NAME))
        else:
            wish = Wish(NAME, self._next(), stays=act == "stay")
            await self._ask(lambda: self._desk.update(wish))
        if act == "cancel":
            for _ in range(self._plan.cancelled_after):
                await self._turn()
            await self._ask(lambda: self._desk.cancel(NAME))
        stable = before.status != "UPDATE_FAILED"
        former = (before.plan, before.resources) if stable else (before.former, before.before)
        await self._rest(*former)

    async def _end(self) -> None:
        """End the stack: what it cannot end is retained by further requests."""
        id_ = (await self._stack()).id
        await self._ask(lambda: self._desk.delete(id_))
        stack = await self._turned(id_)
        for _ in stack.resources:  # what needs another ends after it, and may refuse then
            stuck = tuple({r.id for r in stack.resources if r.state is State.REMOVING})
            await self._ask(partial(self._desk.delete, id_, stuck))
            stack = await self._turned(id_)
        self._ends.statuses.append(stack.status)
        require(stack.status == "DELETE_COMPLETE", f"the stack did not end: {stack.status}")
        require(not stack.resources, f"it has ended with {stack.resources}")
        check_left(self._universe.resources, (), self._custody)

    async def _rest(self, plan: Plan, before: tuple[object, ...]) -> None:
        """Let an act end, and check how."""
        stack = await self._turned()
        self._ends.statuses.append(stack.status)
        real = [r for r in stack.resources if provided(r.type, r.id)]
        check_left(self._universe.resources, real, self._custody)
        if stack.status in WHOLE:
            check_real(self._universe.resources, real)
            self._check_target(stack)
        elif stack.status == BACK:
            check_real(self._universe.resources, [r for r in real if not unmade(r)])
            require(stack.plan == plan, "it went back, and its plan did not")
            require(set(stack.resources) == set(before), "it went back to something else")
        elif stack.status == "ROLLBACK_COMPLETE":
            require(not stack.resources, f"it went back, and has {stack.resources}")
        else:
            require(stack.status.endswith("_FAILED"), f"it rests in {stack.status}")

    def _check_target(self, stack: Freestanding) -> None:
        """Raise a ViolationError unless a stack is what its plan says, and no more."""
        around = FreeSurroundings(self._universe.world.installation, stack, stack.plan)
        wanted = {one.id: one for one in blueprints(stack.plan.template, around)}
        found = {r.id: r for r in stack.resources}
        require(len(found) == len(stack.resources), "two resources have one logical id")
        require(found.keys() == wanted.keys(), f"{found.keys()} are not {wanted.keys()}")
        for name, one in wanted.items():
            if provided(one.type, name):
                value, _ = evaluate(one.properties, around)
                same = self._universe.resources.holds(found[name], value)
                require(same, f"{name} is not {value}")

    async def _turned(self, wanted: str = NAME) -> Freestanding:
        """Take turns until the stack is at rest, and return it."""
        for _ in range(TURNS_MAX):
            stack = await self._stack(wanted)
            if stack.resting:
                return stack
            await self._turn()
        raise ViolationError(f"the stack never rests within {TURNS_MAX} turns")

    async def _turn(self) -> None:
        try:
            await self._desk.turn()
        except Crash:
            self._crash()
        except PortError:
            pass
        self._universe.clock.advance(TURN_S)

    async def _ask(self, request: Callable[[], Awaitable[object]]) -> None:
        """Make a request; whoever hears nothing looks, and asks again if nothing came of it."""
        before = await self._universe.store.documents("stack")
        while True:
            try:
                await request()
            except Crash:
                self._crash()
                if await self._universe.store.documents("stack") == before:
                    continue
            except Fault:
                pass
            return

    def _crash(self) -> None:
        self._ends.crashes += 1
        self._desk = StackDesk(self._universe.world)

    async def _stack(self, wanted: str = NAME) -> Freestanding:
        found = await self._desk.find(wanted)
        if found is None:
            raise ViolationError("the stack is not there")
        return found

    def _next(self) -> Plan:
        self._templates += 1
        return Plan(template(self._plan.seed * 100 + self._templates))
