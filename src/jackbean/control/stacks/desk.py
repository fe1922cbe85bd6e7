"""Stacks of their own: made, changed and ended on request, and brought there turn by turn.

Each is one document, saved before anything is done for it. One lock keeps requests and turns apart:
nothing else writes these documents.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from jackbean.control.scene import Namer
from jackbean.control.stacks.free_steps import (
    Turn,
    changing,
    going_back,
    itself,
    next_turn,
    noted,
    skipping,
)
from jackbean.control.stacks.nesting import wished
from jackbean.control.stacks.provisioning import seen
from jackbean.control.stacks.rules import (
    check_cancelling,
    check_continuing,
    check_end,
    check_exports,
    check_plan,
    check_rolling_back,
)
from jackbean.control.stacks.views import (
    DOCUMENT,
    ENDED_S,
    NESTED,
    exported,
    freestanding,
)
from jackbean.control.world import World
from jackbean.core.errors import Fault, JackbeanError
from jackbean.core.freestanding import Aim, Freestanding, Plan, to_json
from jackbean.core.nesting import Nested, from_json
from jackbean.core.records import replace
from jackbean.core.resources import Fate, Resource, State
from jackbean.ports.store import PutDocument

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
STACKS_MAX = 2_000  # as many as an account has
LOOK_S, IDLE_S = 0.3, 60.0
FIXED = frozenset(
    {"DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"}
)

log = logging.getLogger("jackbean.stacks")


@dataclass(frozen=True)
class Wish:
    """What a stack shall be. `stays`: what fails is left as it is, instead of being undone.

    `ends`: a new one that fails is ended. `protected`: it is ended by nobody. `policy` is kept.
    A new one may take `timeout_s` seconds; 0: any time.
    """

    name: str
    plan: Plan
    tags: tuple[tuple[str, str], ...] = ()
    stays: bool = False
    ends: bool = False
    protected: bool = False
    policy: str = ""
    timeout_s: float = 0.0


@dataclass
class StackDesk:
    """Answers requests, and takes turns while any stack is under way."""

    world: World
    _rung: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _resumed: bool = False

    async def stacks(self) -> list[Freestanding]:
        """Return all, in order of their making, those that ended lately too."""
        return await freestanding(self.world)

    async def find(self, wanted: str) -> Freestanding | None:
        """Return the one of that id, or the one of that name that has not ended."""
        for one in reversed(await self.stacks()):
            if wanted == one.id or (wanted == one.name and one.ended is None):
                return one
        return None

    async def check(self, wish: Wish) -> None:
        """Raise the Fault for a wish that cannot be meant."""
        there = await self.find(wish.name)
        await check_plan(self.world, replace(there, plan=wish.plan) if there else self._made(wish))

    async def create(self, wish: Wish) -> Freestanding:
        async with self._lock:
            if await self.find(wish.name) is not None:
                raise Fault("AlreadyExistsException", f"Stack [{wish.name}] already exists")
            if len(await self.stacks()) >= STACKS_MAX:
                raise Fault("LimitExceededException", f"There are {STACKS_MAX} stacks.")
            made = self._made(wish)
            await check_plan(self.world, made)
            return await self._begin(made)

    def _made(self, wish: Wish) -> Freestanding:
        """Return a stack as it begins. Raises the Fault for a name that none can have."""
        if not NAME.fullmatch(wish.name):
            raise _invalid(f"Value '{wish.name[:128]}' at 'stackName' is not valid")
        arn = f"stack/{wish.name}/{self.world.ids.request()}"
        return Freestanding(
            name=wish.name,
            id=self.world.installation.arn(arn, "cloudformation"),
            created=self.world.clock.now(),
            status="CREATE_IN_PROGRESS",
            aim=Aim.MAKE,
            plan=wish.plan,
            tags=wish.tags,
            stays=wish.stays,
            ends=wish.ends,
            protected=wish.protected,
            policy=wish.policy,
            timeout_s=wish.timeout_s,
            began=self.world.clock.now(),
        )

    async def update(self, wish: Wish) -> Freestanding:
        async with self._lock:
            there = await self._settled(wish.name)
            if there.plan == wish.plan and (not wish.tags or there.tags == wish.tags):
                raise _invalid("No updates are to be performed.")
            changed = replace(
                changing(there, wish.plan, self.world.clock.now()),
                tags=wish.tags or there.tags,
                stays=wish.stays,
                policy=wish.policy or there.policy,
            )
            await check_plan(self.world, changed)
            await check_exports(self.world, there, wish.plan)
            return await self._begin(changed)

    async def delete(self, wanted: str, retained: tuple[str, ...] = ()) -> None:
        """Begin to end a stack; one that is not there has ended. What is `retained` stays."""
        async with self._lock:
            there = await self.find(wanted)
            if there is None or there.ended is not None or there.aim is Aim.END:
                return
            check_end(there, retained)
            await check_exports(self.world, there, Plan())
            kept = tuple(_let_go(r) if r.id in retained else r for r in there.resources)
            ending = replace(
                there, resources=kept, aim=Aim.END, status="DELETE_IN_PROGRESS", reason=""
            )
            await self._begin(ending)

    async def go_back(self, wanted: str, skipped: tuple[str, ...] = ()) -> Freestanding:
        """Go on with a rollback that has failed; what is `skipped` counts as changed back."""
        async with self._lock:
            there = await self._there(wanted)
            check_continuing(there, skipped)
            return await self._begin(skipping(there, skipped))

    async def roll_back(self, wanted: str) -> Freestanding:
        """Go back after a failure that was left as it was."""
        async with self._lock:
            there = await self._there(wanted)
            check_rolling_back(there)
            return await self._begin(replace(going_back(there), reason=""))

    async def cancel(self, wanted: str) -> None:
        """Give an update up that is under way: everything goes back."""
        async with self._lock:
            there = await self._there(wanted)
            check_cancelling(there)
            await self._begin(replace(going_back(there), reason="User Initiated"))

    async def protect(self, wanted: str, *, protected: bool) -> Freestanding:
        """Let nobody end a stack, or let them."""
        return await self._noted(wanted, protected=protected)

    async def govern(self, wanted: str, policy: str) -> Freestanding:
        """Keep a stack policy, for whoever asks for it."""
        return await self._noted(wanted, policy=policy)

    async def _noted(self, wanted: str, **changes: Any) -> Freestanding:
        async with self._lock:
            there = replace(await self._there(wanted), **changes)
            await self._save(there)
            return there

    async def note(self, stack_id: str, resource: Resource, reason: str) -> None:
        """Add what has happened to a resource of a stack under way to its story."""
        async with self._lock:
            there = await self.find(stack_id)
            if there is not None and not there.resting:
                await self._save(noted(there, resource, (self.world.clock.now(), reason)))

    async def run(self) -> None:
        """Take turns, until cancelled."""
        while True:
            self._rung.clear()
            busy = False
            try:
                busy = await self.turn()
            except JackbeanError as error:
                log.warning("stacks: %s; trying again", error)
                busy = True
            except Exception:  # a bug: this turn dies, the loop goes on
                log.exception("a turn of stacks failed")
            await self._wait(LOOK_S if busy else IDLE_S)

    async def turn(self) -> bool:
        """Take a turn for every stack that is under way. Returns whether any still is."""
        await self._resume()
        busy = await self._nest()
        for stack in await self.stacks():
            if stack.ended is not None and stack.ended < self.world.clock.now() - ENDED_S:
                await self.world.store.commit([PutDocument(DOCUMENT, stack.id, None)])
            if not stack.resting:
                async with self._lock:
                    busy |= await self._turn(stack.id)
        return busy

    async def _nest(self) -> bool:
        """Begin what is wanted of stacks that are resources. Returns whether anything was begun."""
        begun = False
        for text in (await self.world.store.documents(NESTED)).values():
            async with self._lock:
                begun |= await self._begin_nested(from_json(text))
        return begun

    async def _begin_nested(self, nested: Nested) -> bool:
        there = await self.find(nested.id)
        waits = there is not None and not there.resting and not nested.ends
        if waits or (there is not None and there.wish == nested.number):
            return False
        wanted = wished(there, nested, self.world.clock.now())
        if wanted is None:
            return False
        try:
            if wanted.aim in {Aim.MAKE, Aim.CHANGE}:
                await check_plan(self.world, wanted)
        except Fault as fault:
            failed = "CREATE_FAILED" if there is None else "UPDATE_ROLLBACK_COMPLETE"
            kept = there or wanted
            wanted = replace(
                kept, aim=Aim.REST, status=failed, reason=fault.message, wish=nested.number
            )
        await self._begin(wanted)
        return True

    async def _resume(self) -> None:
        """Let what is under way count its time from now: an outage counts for nothing."""
        if self._resumed:
            return
        async with self._lock:
            for stack in await self.stacks():
                if not stack.resting:
                    now = self.world.clock.now()
                    await self._save(replace(stack, since=now, began=now))
            self._resumed = True

    async def _turn(self, stack_id: str) -> bool:
        stack = await self.find(stack_id)
        if stack is None or stack.resting:
            return False
        world = self.world
        sights = await seen(world.resources, stack.id, stack.resources)
        namer = Namer(replace(world.installation, endpoint=""), world.ids)
        turn = Turn(sights, world.clock.now(), namer, await exported(self.world))
        after = next_turn(stack, turn)
        if after != stack:
            await self._save(after)
        return not after.resting

    async def _there(self, wanted: str) -> Freestanding:
        """Return a stack that has not ended. Raises the Fault where there is none."""
        there = await self.find(wanted)
        if there is None or there.ended is not None:
            raise _invalid(f"Stack [{wanted[:128]}] does not exist")
        return there

    async def _settled(self, name: str) -> Freestanding:
        there = await self._there(name)
        if not there.resting or there.status in FIXED:
            text = f"Stack:{there.id} is in {there.status} state and can not be updated."
            raise _invalid(text)
        return there

    async def _begin(self, stack: Freestanding) -> Freestanding:
        now = self.world.clock.now()
        begun = replace(stack.telling(itself(stack, now)), since=now)
        await self._save(begun)
        self._rung.set()
        return begun

    async def _save(self, stack: Freestanding) -> None:
        await self.world.store.commit([PutDocument(DOCUMENT, stack.id, to_json(stack))])

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return


def _let_go(resource: Resource) -> Resource:
    return replace(
        resource, state=State.READY, deletion=Fate.RETAIN, replacement=Fate.RETAIN, former=""
    )


def _invalid(text: str) -> Fault:
    return Fault("ValidationError", text)
