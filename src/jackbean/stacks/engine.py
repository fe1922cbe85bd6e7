"""From the resources that there are to those that there shall be: pure steps, like a policy's.

Each takes the resources as they are recorded and what was seen of those that something is done
about, and returns the record to save. What it asks for is in the record: a resource that is
*making*, *changing* or *removing* is made, changed or removed again and again until that is seen to
be done. So a control plane that dies anywhere looks again, and needs no memory.

What others take the place of, or what is wanted no more, is *leaving* and stays whole until nothing
can go back any more; `undo` therefore loses nothing that was there before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from jackbean.core.records import replace
from jackbean.core.resources import Fate, Gone, Key, Made, Refused, Resource, Sight, State, Underway
from jackbean.stacks.functions import evaluate
from jackbean.stacks.graph import Blueprint, Template, blueprints
from jackbean.stacks.names import story
from jackbean.stacks.types import kind, provided
from jackbean.stacks.values import Resolver, Value

Stack = tuple[Resource, ...]
Sights = Mapping[Key, Sight]
KEEPING = frozenset({Fate.RETAIN, Fate.RETAIN_EXCEPT_ON_CREATE})
DOING = {State.MAKING: "Creating", State.CHANGING: "Updating", State.REMOVING: "Deleting"}


@dataclass(frozen=True)
class Surrounded:
    """What is around a template: its functions' resolver, given its resources, and fresh names."""

    resolver: Callable[[Stack], Resolver]
    name: Callable[[Blueprint, Value], str]


@dataclass(frozen=True)
class Step:
    """The resources to save, whether all is done, or what cannot be and of which resource."""

    stack: Stack
    over: bool = False
    failure: str = ""
    blamed: str = ""
    why: str = field(default="", compare=False)


def advance(template: Template, stack: Stack, sights: Sights, around: Surrounded) -> Step:
    """Make the resources those of a template, each as soon as what it needs is there."""
    failed = _refused(stack, sights)
    if failed is not None:
        return replace(failed, stack=_seen(stack, sights))
    work = _Advance(_seen(stack, sights), around)
    for blueprint in blueprints(template, around.resolver(work.stack)):
        work.take(blueprint)
        if work.failure:
            return Step(work.stack, failure=work.failure, blamed=blueprint.id)
    if not work.done:
        return Step(work.stack, why=waiting(work.stack, sights))
    wanted = work.finished
    left = tuple(r if r.id in wanted else replace(r, leaving=True) for r in work.stack)
    return Step(left, over=True)


def undo(before: Stack, stack: Stack, sights: Sights) -> Step:
    """Make the resources again what they were, then end those that have come since.

    What was kept by its policy is let go of. What cannot be changed back counts as changed.
    """
    was = {r.key: r for r in before}
    now = {r.key: r for r in _given_up(stack, sights)}
    restored = tuple(_restored(one, now.get(key)) for key, one in was.items())
    since = tuple(r for key, r in now.items() if key not in was)
    if any(r.pending for r in restored):
        return Step((*restored, *since), why=waiting(restored, sights))
    ending = [r for r in since if unmade(r) or r.pending or r.deletion is not Fate.RETAIN]
    left = (*restored, *_ending(ending))
    return Step(left, over=len(left) == len(before), why=waiting(left, sights))


def tidy(stack: Stack, sights: Sights) -> Step:
    """End what is leaving, but for what is to be retained: that is let go of."""
    left = _given_up(stack, sights)
    successors = {r.id for r in left if not r.leaving}
    staying = [r for r in left if not r.leaving]
    ending = [r for r in left if r.leaving and not _kept(r, replaced=r.id in successors)]
    kept = (*staying, *_ending(ending))
    return Step(kept, over=len(kept) == len(staying), why=waiting(kept, sights))


def dismantle(stack: Stack, sights: Sights) -> Step:
    """End everything, but for what is to be retained: that is let go of."""
    left = _given_up(stack, sights)
    successors = {r.id for r in left if not r.leaving}
    ending = [r for r in left if not _kept(r, replaced=r.leaving and r.id in successors)]
    kept = tuple(_ending(ending))
    return Step(kept, over=not kept, why=waiting(kept, sights))


def waiting(stack: Stack, sights: Sights) -> str:
    """Say what is being waited for, and what takes its time as far as that is known."""
    named = [f"{r.id}{_why(sights.get(r.key))}" for r in stack if r.pending]
    return f"waiting for resources: {', '.join(named)}" if named else ""


def _why(sight: Sight | None) -> str:
    return f" ({sight.why})" if isinstance(sight, Underway) else ""


def assumed(stack: Stack) -> dict[Key, Sight]:
    """Return what would be seen of resources if everything that is asked for were done."""
    return {
        r.key: Gone() if r.state is State.REMOVING else Made(r.referred, dict(r.attributes))
        for r in stack
        if r.pending
    }


def sentence(resource: Resource, reason: str) -> str:
    """Say that what is done about a resource has failed, and why."""
    called = story(resource.type) or resource.type
    doing = DOING.get(resource.state, "Creating")
    return f"{doing} {called} named: {resource.name} failed. Reason: {reason}"


class _Advance:
    """One pass over the blueprints, in an order in which needs come first."""

    def __init__(self, stack: Stack, around: Surrounded) -> None:
        self.stack = stack
        self.failure = ""
        self.finished: set[str] = set()
        self._around = around
        self._count = 0

    @property
    def done(self) -> bool:
        return len(self.finished) == self._count

    def take(self, blueprint: Blueprint) -> None:
        self._count += 1
        if not self.finished.issuperset(blueprint.needs):
            return
        current = next((r for r in self.stack if r.id == blueprint.id and not r.leaving), None)
        if current is not None and current.pending:
            return
        properties = self._properties(blueprint)
        if self.failure:
            return
        if current is not None and not replaces(current, blueprint, properties):
            self._change(current, blueprint, properties)
        elif former := self._former(blueprint, properties):
            self._leave(current)
            self._change(former, blueprint, properties)
        else:
            self._add(current, blueprint, properties)

    def _former(self, blueprint: Blueprint, properties: Value) -> Resource | None:
        """Return one that was on its way out and can be what is wanted again."""
        for resource in reversed(self.stack):
            same = resource.leaving and resource.id == blueprint.id and not unmade(resource)
            if same and not replaces(resource, blueprint, properties):
                return resource
        return None

    def _leave(self, current: Resource | None) -> None:
        if current is not None:
            leaving = replace(current, leaving=True)
            self.stack = tuple(leaving if r is current else r for r in self.stack)

    def _properties(self, blueprint: Blueprint) -> Value:
        """Return properties with functions evaluated; none where nothing is made of them."""
        if not provided(blueprint.type, blueprint.id):
            return {}
        found, faults = evaluate(blueprint.properties, self._around.resolver(self.stack))
        if faults:
            where = ".".join(map(str, faults[0].path))
            self.failure = f"Resource {blueprint.id}: {where}: {faults[0].text}."
        elif not isinstance(found, dict):
            self.failure = f"Resource {blueprint.id}: Properties is no mapping."
        return found

    def _add(self, current: Resource | None, blueprint: Blueprint, properties: Value) -> None:
        """Make a new one, in the place of `current` if there is one."""
        made = self._made(blueprint, properties)
        self.stack = tuple(r for r in self.stack if not (unmade(r) and r.key == made.key))
        namesakes = [r for r in self.stack if (r.type, r.name) == (made.type, made.name)]
        if namesakes:
            self.failure = _taken(made, namesakes[0])
            return
        self._leave(current)
        self.stack = (*self.stack, made)
        self._finish(made)

    def _made(self, blueprint: Blueprint, properties: Value) -> Resource:
        name = self._around.name(blueprint, properties)
        made = Resource(blueprint.id, blueprint.type, name)
        if provided(made.type, made.id):
            made = replace(made, state=State.MAKING, properties=_text(properties))
        return _described(made, blueprint)

    def _change(self, current: Resource, blueprint: Blueprint, properties: Value) -> None:
        changed = _described(current, blueprint)
        if provided(current.type, current.id) and _text(properties) != current.properties:
            changed = _changing(changed, _text(properties))
        self.stack = tuple(changed if r is current else r for r in self.stack)
        self._finish(changed)

    def _finish(self, resource: Resource) -> None:
        if not resource.pending:
            self.finished.add(resource.id)


def _taken(made: Resource, namesake: Resource) -> str:
    """Say that a stack has a resource of that name already."""
    if namesake.id != made.id:
        return sentence(made, f"{made.name} already exists in this stack as {namesake.id}.")
    return (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        f"Rename {made.name} and update the stack again."
    )


def unmade(resource: Resource) -> bool:
    """Whether it was to be made and could not be: something of it may be there, and is to end."""
    blank = not resource.properties and resource.state is State.READY
    return blank and resource.leaving and provided(resource.type, resource.id)


def abandoned(resource: Resource) -> Resource:
    """Return a resource as a failure leaves it that nobody undoes.

    The next change makes what was not made, and asks again for what may be changed in part: its
    properties are those of before, in another text.
    """
    if resource.state is State.MAKING:
        return replace(resource, state=State.READY, leaving=True, properties="")
    if resource.state is State.CHANGING:
        return replace(resource, state=State.READY, properties=f"{resource.former} ", former="")
    return replace(resource, state=State.READY)


def replaces(current: Resource, blueprint: Blueprint, properties: Value) -> bool:
    """Whether a resource cannot become what a template has: another one takes its place."""
    if current.type != blueprint.type:
        return True
    found = kind(current.type, current.id)
    if found is None or not found.replaced_by:
        return False
    before = json.loads(current.properties or "{}")
    return any(before.get(name) != properties.get(name) for name in found.replaced_by)


def _text(properties: Value) -> str:
    return json.dumps(properties, sort_keys=True, separators=(",", ":"))


def _described(resource: Resource, blueprint: Blueprint) -> Resource:
    real = provided(resource.type, resource.id)
    return replace(
        resource,
        leaving=False,
        needs=blueprint.needs if real else (),
        deletion=blueprint.deletion,
        replacement=blueprint.replacement,
    )


def _changing(resource: Resource, properties: str) -> Resource:
    """Return a resource on its way to other properties."""
    former = resource.former if resource.state is State.CHANGING else resource.properties
    return replace(resource, state=State.CHANGING, properties=properties, former=former)


def _refused(stack: Stack, sights: Sights) -> Step | None:
    for resource in stack:
        sight = sights.get(resource.key)
        if resource.pending and isinstance(sight, Refused):
            return Step(stack, failure=sentence(resource, sight.reason), blamed=resource.id)
    return None


def _seen(stack: Stack, sights: Sights) -> Stack:
    """Return the resources with what was seen of those that something is done about."""
    found = (_one_seen(r, sights.get(r.key)) for r in stack)
    return tuple(r for r in found if r is not None)


def _one_seen(resource: Resource, sight: Sight | None) -> Resource | None:
    match sight:
        case Made(ref=ref, attributes=attributes) if resource.state in MADE_BY:
            told = tuple(sorted(attributes.items()))
            return replace(resource, state=State.READY, former="", ref=ref, attributes=told)
        case Gone() if resource.state is State.REMOVING:
            return None
        case _:
            return resource


MADE_BY = frozenset({State.MAKING, State.CHANGING})


def _given_up(stack: Stack, sights: Sights) -> Stack:
    """Like `_seen`, with nothing that waits for what was refused.

    What cannot be removed stays where it is and is let go of, and what cannot be changed is taken
    for changed. What cannot be made may be there in part: it is removed.
    """
    found = (
        _without(r) if isinstance(sights.get(r.key), Refused) else r for r in _seen(stack, sights)
    )
    return tuple(r for r in found if r is not None)


def _without(refused: Resource) -> Resource | None:
    """Return what is left of a resource when what was to be done about it was refused."""
    match refused.state:
        case State.MAKING:
            return replace(refused, state=State.REMOVING)
        case State.REMOVING:
            return None
        case _:
            return replace(refused, state=State.READY, former="")


def _restored(was: Resource, now: Resource | None) -> Resource:
    """Return what a resource is to be again, on its way there."""
    if now is None or (unmade(was) and unmade(now)):
        return was
    if unmade(was):
        return replace(now, state=State.REMOVING, former="")
    if now.properties == was.properties:
        return replace(was, state=now.state, former=now.former if now.pending else "")
    return replace(
        _changing(replace(was, properties=now.properties), was.properties), former=now.properties
    )


def _kept(resource: Resource, *, replaced: bool) -> bool:
    """Whether a resource is let go of; what was never made, or is being ended already, is not."""
    if resource.state is State.REMOVING or unmade(resource):
        return False
    return (resource.replacement if replaced else resource.deletion) in KEEPING


def _ending(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return those that are left, on their way out what no other of them needs any more.

    Old and new ones under the same logical ids may need one another in a circle: then all go.
    """
    real = [r for r in resources if provided(r.type, r.id)]
    free = [r for r in real if not any(r.id in other.needs for other in real if other is not r)]
    stuck = not free and not any(r.state is State.REMOVING for r in real)
    going = {r.key for r in (real if stuck else free)}
    return tuple(replace(r, state=State.REMOVING, former="") if r.key in going else r for r in real)
