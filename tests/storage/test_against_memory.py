"""Two stores that are told the same must answer the same, whatever they are told."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jackbean.core.applications import Application, Version
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import Conflict
from jackbean.core.events import Event, Severity
from jackbean.core.options.settings import Settings
from jackbean.core.releases import Release
from jackbean.ports.store import (
    AddEvent,
    Change,
    DeleteApplication,
    DeleteVersion,
    EnvironmentQuery,
    EventQuery,
    PutApplication,
    PutDocument,
    PutEnvironment,
    PutRelease,
    PutVersion,
    Store,
)
from jackbean.simulator.store import MemoryStore
from jackbean.storage.retention import EVENT_RETENTION_S
from jackbean.storage.sqlite import SqliteStore

START = 1_700_000_000.0
APPLICATION = st.sampled_from(["app", "app", "öde"])
LABEL = st.sampled_from(["v1", "v2", "V1"])
ID = st.sampled_from(["e-1", "e-2", "e-3"])
NAME = st.sampled_from(["dev", "prod"])
PREFIX = st.sampled_from(["", "dev", "www"])
SLOT = st.integers(1, 3)
STATUS = st.sampled_from([Status.READY, Status.READY, Status.READY, Status.TERMINATED])
TEXT = st.text(max_size=4)
SECONDS = st.integers(0, 4).map(float)
MAYBE = st.sampled_from(["", "", "x", "y"])
NEVER = -1

ENVIRONMENTS = st.fixed_dictionaries(
    {"id": ID, "application": APPLICATION},
    optional={
        "name": NAME,
        "cname_prefix": PREFIX,
        "slot": SLOT,
        "status": STATUS,
        "version_label": st.none() | LABEL,
        "updated": SECONDS,
        "revision": st.sampled_from([0, 0, 0, NEVER]),  # a save of something read long ago
    },
)
EVENTS = st.builds(
    Event,
    TEXT,
    st.sampled_from(Severity),
    MAYBE,
    MAYBE,
    st.sampled_from(["", "", "e-1", "e-2"]),
    MAYBE,
    MAYBE,
    MAYBE,
    st.integers(),
)
RELEASES = st.builds(
    Release, ID, st.integers(1, 2), LABEL, st.none(), st.just(Settings()), st.just(Settings()),
    st.just({}), TEXT,
)  # fmt: skip
APPLICATIONS = st.builds(Application, APPLICATION, TEXT)
CHANGES = st.one_of(
    st.builds(PutApplication, APPLICATIONS),
    st.builds(PutApplication, APPLICATIONS),
    st.builds(DeleteApplication, APPLICATION),
    st.builds(PutVersion, st.builds(Version, APPLICATION, LABEL, TEXT)),
    st.builds(DeleteVersion, APPLICATION, LABEL),
    ENVIRONMENTS,
    ENVIRONMENTS,
    ENVIRONMENTS,
    st.builds(PutRelease, RELEASES),
    st.builds(AddEvent, EVENTS),
    st.builds(PutDocument, MAYBE, MAYBE, st.none() | TEXT),
)
EVENT_QUERIES = st.builds(
    EventQuery,
    MAYBE,
    MAYBE,
    st.sampled_from(["", "", "e-1", "application/x"]),
    MAYBE,
    MAYBE,
    MAYBE,
    st.none() | st.sampled_from(Severity),
    st.none() | st.integers(-5, 5).map(lambda n: int(START) * 1000 + n),
    st.none() | st.integers(-5, 5).map(lambda n: int(START) * 1000 + n),
    st.integers(-1, 3),
    st.integers(-1, 5),
)
ENVIRONMENT_QUERIES = st.fixed_dictionaries(
    {"terminated_since": st.none() | SECONDS},
    optional={
        "application": APPLICATION,
        "version_label": LABEL,
        "ids": st.lists(ID, max_size=2).map(tuple),
        "names": st.lists(NAME, max_size=2).map(tuple),
        "cname_prefix": PREFIX,
    },
).map(lambda members: EnvironmentQuery(**members))


class Clock:
    at = START

    def now(self) -> float:
        return self.at


class Stores(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.memory = MemoryStore(self.clock)
        self.sqlite = SqliteStore.open(Path(self.directory.name) / "records.db", self.clock)
        self.commit([PutApplication(Application("app"))])

    def teardown(self) -> None:
        if hasattr(self, "sqlite"):
            self.runner.run(self.sqlite.close())
            self.runner.close()
            self.directory.cleanup()

    @rule(drawn=st.lists(CHANGES, min_size=2, max_size=6))
    def commit(self, drawn: Sequence[Any]) -> None:
        changes = self.resolved(drawn)
        self.same(lambda store: store.commit(changes))

    @rule(drawn=st.lists(ENVIRONMENTS, min_size=1, max_size=3))
    def save(self, drawn: Sequence[Any]) -> None:
        self.commit(drawn)

    @rule(drawn=st.lists(ENVIRONMENTS, min_size=1, max_size=3))
    def save_again(self, drawn: Sequence[Any]) -> None:
        self.commit(drawn)

    @rule(
        of_events=st.lists(EVENT_QUERIES, min_size=1, max_size=4),
        of_environments=st.lists(ENVIRONMENT_QUERIES, min_size=1, max_size=4),
        labels=st.lists(LABEL, max_size=2),
        names=st.lists(APPLICATION, max_size=2),
    )
    def find(
        self,
        of_events: list[EventQuery],
        of_environments: list[EnvironmentQuery],
        labels: list[str],
        names: list[str],
    ) -> None:
        for wanted in of_events:
            self.same(lambda store, query=wanted: store.events(query))
        for sought in of_environments:
            self.same(lambda store, query=sought: store.environments(query))
        self.same(lambda store: store.versions("app", labels))
        self.same(lambda store: store.versions(labels=labels))
        self.same(lambda store: store.applications(names))

    @rule(
        events=st.lists(EVENTS, min_size=1, max_size=3),
        seconds=st.sampled_from([0.0, 0.0004, 0.001, 1.0, -1.0, -EVENT_RETENTION_S]),
    )
    def tell(self, events: list[Event], seconds: float) -> None:
        self.commit([AddEvent(event) for event in events])
        self.clock.at += seconds

    @rule(reopen=st.booleans())
    def prune(self, reopen: bool) -> None:
        now = START + EVENT_RETENTION_S
        assert self.runner.run(self.memory.prune(now)) == self.runner.run(self.sqlite.prune(now))
        if reopen:
            self.runner.run(self.sqlite.close())
            self.sqlite = SqliteStore.open(Path(self.directory.name) / "records.db", self.clock)

    @invariant()
    def everything_is_the_same(self) -> None:
        if not hasattr(self, "sqlite"):
            return
        self.same(lambda store: store.applications())
        self.same(lambda store: store.versions())
        self.same(lambda store: store.environments(EnvironmentQuery(terminated_since=-1.0)))
        self.same(lambda store: store.slots())
        self.same(lambda store: store.events(EventQuery()))
        self.same(lambda store: store.documents("x"))
        self.same(lambda store: store.release("e-1", 1))

    def resolved(self, drawn: Sequence[Any]) -> list[Change]:
        """Make a save of what is stored out of each drawn set of members."""
        changes: list[Change] = []
        for change in drawn:
            if isinstance(change, dict):
                changes.append(PutEnvironment(self.edited(dict(change), changes)))
            else:
                changes.append(change)
        return changes

    def edited(self, members: dict[str, Any], before: Sequence[Change]) -> Environment:
        known = self.runner.run(self.memory.environment(members["id"]))
        saves = sum(
            isinstance(c, PutEnvironment) and c.environment.id == members["id"] for c in before
        )
        stale = members.pop("revision", None) == NEVER
        if known is None:
            number = int(members["id"][2:])
            made = {"name": f"new-{number}", "cname_prefix": "", "slot": number, **members}
            return Environment(stack="s", platform_arn="p", revision=saves, **made)
        return replace(known, **members, revision=known.revision + saves - stale)

    def same(self, ask: Callable[[Store], Awaitable[Any]]) -> None:
        answers = [self.answer(ask, store) for store in (self.memory, self.sqlite)]
        assert answers[0] == answers[1]

    def answer(self, ask: Callable[[Store], Awaitable[Any]], store: Store) -> Any:
        async def asked() -> Any:
            try:
                return await ask(store)
            except Conflict as conflict:
                return str(conflict)

        return self.runner.run(asked())


Stores.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow],
)
TestStores = Stores.TestCase
