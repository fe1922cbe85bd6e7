"""What every store promises, on all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from jackbean.core.applications import Application, Location, Version, VersionStatus
from jackbean.core.certificates import Certificate, End, Label
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import Conflict
from jackbean.core.events import Event, Severity
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.releases import Release
from jackbean.core.tallies import Moment, Passage, Served, Tally
from jackbean.core.traffic import Count
from jackbean.ports.store import (
    AddEvent,
    Change,
    DeleteApplication,
    DeleteVersion,
    EnvironmentQuery,
    EventQuery,
    PutApplication,
    PutCertificate,
    PutDocument,
    PutEnvironment,
    PutRelease,
    PutVersion,
    Store,
)
from jackbean.simulator.clock import VirtualClock
from jackbean.simulator.store import MemoryStore
from jackbean.storage.commit import WRITERS
from jackbean.storage.retention import CERTIFICATES_KEPT_MAX, EVENT_RETENTION_S
from jackbean.storage.sqlite import SqliteStore

START = 1_700_000_000.0
START_MS = 1_700_000_000_000


class UnsteadyClock:
    """A machine's clock that somebody sets: it may stand still and go back."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at


class Bench:
    """A store, run to completion call by call."""

    def __init__(self, runner: asyncio.Runner, store: Store, clock: UnsteadyClock) -> None:
        self.run = runner.run
        self.store = store
        self.clock = clock

    def commit(self, *changes: Change) -> None:
        self.run(self.store.commit(changes))

    def environment(self, id_: str) -> Environment:
        found = self.run(self.store.environment(id_))
        assert found is not None
        return found

    def environments(self, **query: Any) -> list[str]:
        found = self.run(self.store.environments(EnvironmentQuery(**query)))
        return [e.id for e in found]

    def told(self, **query: Any) -> list[str]:
        return [e.message for e in self.run(self.store.events(EventQuery(**query)))]

    def dates(self, **query: Any) -> list[int]:
        return [e.date_ms for e in self.run(self.store.events(EventQuery(**query)))]


@pytest.fixture(params=["memory", "sqlite"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    clock = UnsteadyClock()
    with asyncio.Runner() as runner:
        if request.param == "memory":
            yield Bench(runner, MemoryStore(clock), clock)
            return
        store = SqliteStore.open(tmp_path / "records.db", clock)
        yield Bench(runner, store, clock)
        runner.run(store.close())


def living(number: int, **changes: Any) -> Environment:
    made = Environment(
        id=f"e-{number:010}",
        name=f"env-{number}",
        application="app",
        stack="stack",
        platform_arn="arn",
        cname_prefix=f"prefix-{number}",
        slot=number,
    )
    return replace(made, **changes)


def two_environments(bench: Bench) -> tuple[Environment, Environment]:
    bench.commit(
        PutApplication(Application("app")), PutEnvironment(living(1)), PutEnvironment(living(2))
    )
    return bench.environment(living(1).id), bench.environment(living(2).id)


def terminated(environment: Environment, at: float = START) -> PutEnvironment:
    return PutEnvironment(replace(environment, status=Status.TERMINATED, updated=at))


def test_every_kind_of_change_is_known_to_every_store() -> None:
    known = set(MemoryStore(VirtualClock())._apply)
    assert known == set(WRITERS) == set(get_args(Change))


# Applications and versions


def test_applications_are_listed_in_order_of_creation(bench: Bench) -> None:
    bench.commit(*(PutApplication(Application(name)) for name in ("b", "a", "c")))
    bench.commit(PutApplication(Application("a", "changed")))
    assert [a.name for a in bench.run(bench.store.applications())] == ["b", "a", "c"]
    assert bench.run(bench.store.applications(["c", "a", "nobody"])) == [
        Application("a", "changed"),
        Application("c"),
    ]


def test_an_application_made_again_is_the_newest(bench: Bench) -> None:
    bench.commit(PutApplication(Application("a")), PutApplication(Application("b")))
    bench.commit(DeleteApplication("a"), PutApplication(Application("a")))
    assert [a.name for a in bench.run(bench.store.applications())] == ["b", "a"]


def test_a_version_comes_back_as_it_was(bench: Bench) -> None:
    version = Version(
        "app",
        "v 1 €",
        "what it is",
        Location("bucket", "key"),
        "d" * 64,
        VersionStatus.PROCESSED,
        1.5,
        2.5,
        (("k", "v"),),
    )
    bench.commit(PutApplication(Application("app")), PutVersion(version))
    assert bench.run(bench.store.versions()) == [version]


def test_versions_are_listed_newest_first(bench: Bench) -> None:
    bench.commit(PutApplication(Application("app")), PutApplication(Application("other")))
    bench.commit(*(PutVersion(Version("app", label)) for label in ("v1", "v2", "v3")))
    bench.commit(PutVersion(Version("other", "v2")), PutVersion(Version("app", "v1", "again")))
    versions = bench.store.versions

    def labels(found: list[Version]) -> list[tuple[str, str]]:
        return [(v.application, v.label) for v in found]

    assert labels(bench.run(versions())) == [
        ("other", "v2"),
        ("app", "v3"),
        ("app", "v2"),
        ("app", "v1"),
    ]
    assert labels(bench.run(versions("app", ["v1", "v3"]))) == [("app", "v3"), ("app", "v1")]
    assert labels(bench.run(versions(labels=["v2"]))) == [("other", "v2"), ("app", "v2")]


def test_versions_go_with_their_application(bench: Bench) -> None:
    bench.commit(PutApplication(Application("app")), PutApplication(Application("other")))
    bench.commit(PutVersion(Version("app", "v1")), PutVersion(Version("other", "v1")))
    bench.commit(DeleteApplication("app"))
    assert bench.run(bench.store.versions()) == [Version("other", "v1")]
    bench.commit(PutApplication(Application("app")))
    assert bench.run(bench.store.versions("app")) == []


def test_deleting_what_is_not_there_is_deleting_it(bench: Bench) -> None:
    bench.commit(
        DeleteApplication("nobody"), DeleteVersion("nobody", "v1"), PutDocument("k", "x", None)
    )


def test_a_version_needs_its_application(bench: Bench) -> None:
    with pytest.raises(Conflict, match="version v1 needs application app"):
        bench.commit(PutVersion(Version("app", "v1")))
    assert bench.run(bench.store.versions()) == []


def test_an_application_with_living_environments_stays(bench: Bench) -> None:
    one, two = two_environments(bench)
    with pytest.raises(Conflict, match=r"still has environments \(env-1, env-2\)"):
        bench.commit(DeleteApplication("app"))
    bench.commit(terminated(one), terminated(two), DeleteApplication("app"))
    assert bench.run(bench.store.applications()) == []
    assert bench.environment(one.id).terminated


# Environments


def test_a_save_is_stored_at_the_next_revision(bench: Bench) -> None:
    one, _ = two_environments(bench)
    assert one == replace(living(1), revision=1)
    bench.commit(PutEnvironment(replace(one, desired=4)))
    assert bench.environment(one.id) == replace(living(1), desired=4, revision=2)


def test_a_record_saved_by_somebody_else_is_a_conflict(bench: Bench) -> None:
    one, _ = two_environments(bench)
    bench.commit(PutEnvironment(replace(one, desired=2)))
    with pytest.raises(Conflict, match=r"is at revision 2, .* at revision 1: read it again"):
        bench.commit(PutEnvironment(replace(one, desired=3)))
    assert bench.environment(one.id).desired == 2


def test_a_record_that_was_never_saved_cannot_be_read_before(bench: Bench) -> None:
    bench.commit(PutApplication(Application("app")))
    with pytest.raises(Conflict, match="is not there"):
        bench.commit(PutEnvironment(living(1, revision=3)))


def test_an_id_is_used_once(bench: Bench) -> None:
    one, _ = two_environments(bench)
    bench.commit(terminated(one))
    with pytest.raises(Conflict, match="revision 0"):
        bench.commit(PutEnvironment(living(3, id=one.id)))


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        ({"name": "env-1"}, "Environment env-1 already exists."),
        ({"cname_prefix": "prefix-1"}, r"DNS name \(prefix-1\) is not available."),
        ({"slot": 1}, "Slot 1 is taken"),
    ],
)
def test_names_prefixes_and_slots_have_one_living_holder(
    bench: Bench, taken: dict[str, Any], message: str
) -> None:
    one, two = two_environments(bench)
    with pytest.raises(Conflict, match=message):
        bench.commit(PutEnvironment(living(3, **taken)))
    with pytest.raises(Conflict, match=message):
        bench.commit(PutEnvironment(replace(two, **taken)))
    bench.commit(terminated(one))
    bench.commit(PutEnvironment(living(3, **taken)))
    with pytest.raises(Conflict, match=message):
        bench.commit(PutEnvironment(replace(bench.environment(one.id), status=Status.LAUNCHING)))


def test_a_record_saved_twice_in_one_commit_holds_what_it_has_in_the_end(bench: Bench) -> None:
    one, _ = two_environments(bench)
    bench.commit(
        PutEnvironment(replace(one, cname_prefix="passing")),
        PutEnvironment(replace(one, cname_prefix="lasting", revision=2)),
        PutEnvironment(replace(one, cname_prefix="lasting", revision=3)),
    )
    assert bench.environment(one.id) == replace(one, cname_prefix="lasting", revision=4)
    bench.commit(PutEnvironment(living(3, cname_prefix="prefix-1")))
    bench.commit(PutEnvironment(living(4, cname_prefix="passing")))
    with pytest.raises(Conflict, match=r"\(lasting\)"):
        bench.commit(PutEnvironment(living(5, cname_prefix="lasting")))


def test_two_environments_exchange_their_prefixes_in_one_commit(bench: Bench) -> None:
    one, two = two_environments(bench)
    bench.commit(
        PutEnvironment(replace(one, cname_prefix="prefix-2")),
        PutEnvironment(replace(two, cname_prefix="prefix-1")),
    )
    assert bench.environments(cname_prefix="prefix-1") == [two.id]
    with pytest.raises(Conflict, match=r"\(prefix-2\)"):
        bench.commit(PutEnvironment(living(3, cname_prefix="prefix-2")))


def test_what_is_given_up_can_be_taken_in_the_same_commit(bench: Bench) -> None:
    one, _ = two_environments(bench)
    bench.commit(
        PutEnvironment(living(3, name="env-1", cname_prefix="prefix-1", slot=1)), terminated(one)
    )
    assert bench.environments(names=("env-1",)) == [living(3).id]


def test_many_environments_have_no_prefix(bench: Bench) -> None:
    bench.commit(
        PutApplication(Application("app")),
        PutEnvironment(living(1, cname_prefix="")),
        PutEnvironment(living(2, cname_prefix="")),
    )
    assert bench.environments() == [living(1).id, living(2).id]


def test_a_living_environment_needs_its_application(bench: Bench) -> None:
    with pytest.raises(Conflict, match="environment env-1 needs application app"):
        bench.commit(PutEnvironment(living(1)))
    one, two = two_environments(bench)
    bench.commit(terminated(one), terminated(two), DeleteApplication("app"))
    with pytest.raises(Conflict, match="needs application app"):
        bench.commit(PutEnvironment(replace(bench.environment(one.id), status=Status.LAUNCHING)))


def test_workers_hold_neither_a_prefix_nor_a_slot(bench: Bench) -> None:
    workers = [living(n, cname_prefix="", slot=0) for n in (1, 2)]
    bench.commit(PutApplication(Application("app")), *map(PutEnvironment, workers))
    assert bench.run(bench.store.slots()) == frozenset()


def test_slots_are_those_of_living_environments(bench: Bench) -> None:
    assert bench.run(bench.store.slots()) == frozenset()
    one, two = two_environments(bench)
    assert bench.run(bench.store.slots()) == {1, 2}
    bench.commit(terminated(one), PutEnvironment(replace(two, slot=7)))
    assert bench.run(bench.store.slots()) == {7}


def test_environments_are_found_by_all_that_is_given(bench: Bench) -> None:
    one, two = two_environments(bench)
    bench.commit(PutApplication(Application("other")))
    bench.commit(PutEnvironment(living(3, application="other", version_label="v1")))
    bench.commit(PutEnvironment(replace(one, version_label="v1")))
    three = living(3)
    assert bench.environments() == [one.id, two.id, three.id]
    assert bench.environments(application="app") == [one.id, two.id]
    assert bench.environments(version_label="v1") == [one.id, three.id]
    assert bench.environments(application="app", version_label="v1") == [one.id]
    assert bench.environments(ids=(three.id, one.id, "e-0000000000")) == [one.id, three.id]
    assert bench.environments(names=("env-2", "env-3")) == [two.id, three.id]
    assert bench.environments(ids=(one.id,), names=("env-2",)) == []
    assert bench.environments(cname_prefix="prefix-2") == [two.id]
    assert bench.environments(names=("'; DROP TABLE environments; --",)) == []


def test_terminated_environments_are_listed_back_to_an_instant(bench: Bench) -> None:
    one, two = two_environments(bench)
    bench.commit(terminated(one, at=100.0), PutEnvironment(replace(two, updated=50.0)))
    assert bench.environments() == [two.id]
    assert bench.environments(terminated_since=100.0) == [one.id, two.id]
    assert bench.environments(terminated_since=100.5) == [two.id]
    assert bench.environments(ids=(one.id,)) == []


def test_all_or_nothing(bench: Bench) -> None:
    one, two = two_environments(bench)
    bench.commit(PutVersion(Version("app", "v1")), PutDocument("kind", "key", "old"))
    with pytest.raises(Conflict):
        bench.commit(
            PutApplication(Application("new")),
            PutApplication(Application("app", "changed")),
            PutVersion(Version("app", "v2")),
            DeleteVersion("app", "v1"),
            PutEnvironment(replace(one, cname_prefix="moved")),
            PutRelease(release(one.id, 1)),
            AddEvent(Event("told", application="app")),
            PutDocument("kind", "key", "new"),
            PutDocument("kind", "other", "new"),
            PutEnvironment(replace(two, revision=9)),
        )
    assert bench.run(bench.store.applications()) == [Application("app")]
    assert bench.run(bench.store.versions()) == [Version("app", "v1")]
    assert bench.environment(one.id) == one
    assert bench.run(bench.store.release(one.id, 1)) is None
    assert bench.told() == []
    assert bench.run(bench.store.documents("kind")) == {"key": "old"}
    bench.commit(PutEnvironment(living(3, cname_prefix="moved")))


def test_an_undone_delete_keeps_the_order(bench: Bench) -> None:
    bench.commit(*(PutApplication(Application(name)) for name in "abc"))
    with pytest.raises(Conflict):
        bench.commit(DeleteApplication("a"), PutVersion(Version("a", "v1")))
    assert [a.name for a in bench.run(bench.store.applications())] == ["a", "b", "c"]


# Releases and documents


def release(environment_id: str, number: int) -> Release:
    return Release(
        environment_id=environment_id,
        number=number,
        version_label="v1",
        digest=None,
        settings=Settings([Setting("ns", "a", "1"), Setting("ns", "b", None)]),
        direct=Settings([Setting("ns", "a", "1")]),
        template={"Resources": {"X": {"Type": "T", "Properties": {"L": [1, 2.5, None, True]}}}},
        fingerprint="f",
        created=START,
    )


def test_releases_are_never_changed(bench: Bench) -> None:
    one, two = two_environments(bench)
    bench.commit(PutRelease(release(one.id, 1)), PutRelease(release(two.id, 1)))
    with pytest.raises(Conflict, match=f"release 1 of environment {one.id} is there already"):
        bench.commit(PutRelease(replace(release(one.id, 1), version_label="v2")))
    assert bench.run(bench.store.release(one.id, 1)) == release(one.id, 1)
    assert bench.run(bench.store.release(one.id, 2)) is None


def test_a_release_needs_its_environment(bench: Bench) -> None:
    with pytest.raises(Conflict, match="release 1 needs environment e-0"):
        bench.commit(PutRelease(release("e-0", 1)))


def certificate(environment_id: str, number: int) -> Certificate:
    served = (Served(1, 100, 2, 1, 1), Served(2, 7))
    tally = Tally(
        at=START,
        counts=(Count(1, "epoch", 100), Count(2, "epoch", 7)),
        served=served,
        lowest=2,
        lowest_at=START + 1.5,
        passages=(Passage(Moment("staging", 1), START, 2.5),),
    )
    return Certificate(
        environment_id=environment_id,
        environment="env-1",
        application="app",
        number=number,
        kind="update",
        request_id="r",
        policy="Rolling",
        release=2,
        began=START,
        ended=START + 9.25,
        end=End.SUCCEEDED,
        size=3,
        tally=tally,
        previous=1,
        labels=(Label(1, "v1"), Label(2, "ü")),
    )


def numbers(bench: Bench, environment_id: str, *query: Any) -> list[int]:
    found = bench.run(bench.store.certificates(environment_id, *query))
    return [c.number for c in found]


def test_certificates_are_kept_newest_first(bench: Bench) -> None:
    one, two = two_environments(bench)
    for number in (2, 10, 3):
        bench.commit(PutCertificate(certificate(one.id, number)))
    bench.commit(PutCertificate(certificate(two.id, 1)))
    assert numbers(bench, one.id) == [10, 3, 2]
    assert numbers(bench, one.id, None, 2) == [10, 3]
    assert numbers(bench, one.id, 3) == [3]
    assert numbers(bench, one.id, 2**70) == []
    assert numbers(bench, "e-0") == []
    assert bench.run(bench.store.certificates(two.id)) == [certificate(two.id, 1)]


def test_certificates_are_never_changed(bench: Bench) -> None:
    one, _ = two_environments(bench)
    bench.commit(PutCertificate(certificate(one.id, 1)))
    with pytest.raises(Conflict, match=f"certificate 1 of environment {one.id} is there already"):
        bench.commit(PutCertificate(replace(certificate(one.id, 1), size=9)), AddEvent(Event("x")))
    assert bench.run(bench.store.certificates(one.id)) == [certificate(one.id, 1)]
    assert bench.told() == []
    with pytest.raises(Conflict, match="certificate 1 needs environment e-0"):
        bench.commit(PutCertificate(certificate("e-0", 1)))


def test_certificates_go_with_their_environment(bench: Bench) -> None:
    one, two = two_environments(bench)
    for environment in (one, two):
        bench.commit(*(PutCertificate(certificate(environment.id, n)) for n in (1, 2)))
    bench.commit(terminated(one))
    later = START + EVENT_RETENTION_S
    assert bench.run(bench.store.prune(later)) == 0
    assert bench.run(bench.store.prune(later + 1)) == 2
    assert numbers(bench, one.id) == []
    assert numbers(bench, two.id) == [2, 1]


def test_of_very_many_certificates_the_newest_are_kept(bench: Bench) -> None:
    one, two = two_environments(bench)
    many = range(1, CERTIFICATES_KEPT_MAX + 4)
    bench.commit(*(PutCertificate(certificate(one.id, n)) for n in many))
    bench.commit(PutCertificate(certificate(two.id, 1)))
    assert bench.run(bench.store.prune(START)) == 3
    assert numbers(bench, one.id)[-1] == 4
    assert numbers(bench, two.id) == [1]


def test_documents_come_and_go(bench: Bench) -> None:
    bench.commit(PutDocument("kind", "b", "1"), PutDocument("kind", "a", "2"))
    bench.commit(PutDocument("other", "a", "3"), PutDocument("kind", "b", "\ud800 \0 €"))
    assert list(bench.run(bench.store.documents("kind")).items()) == [
        ("a", "2"),
        ("b", "\ud800 \0 €"),
    ]
    assert bench.run(bench.store.document("other", "a")) == "3"
    assert bench.run(bench.store.document("other", "b")) is None
    bench.commit(PutDocument("kind", "a", None))
    assert bench.run(bench.store.documents("kind")) == {"b": "\ud800 \0 €"}
    assert bench.run(bench.store.documents("nothing")) == {}


# Events


def test_events_are_dated_by_the_store_and_come_newest_first(bench: Bench) -> None:
    bench.commit(AddEvent(Event("one", date_ms=5)), AddEvent(Event("two", Severity.WARN)))
    bench.clock.at += 10
    bench.commit(AddEvent(Event("three", application="app")))
    assert bench.run(bench.store.events(EventQuery())) == [
        Event("three", application="app", date_ms=START_MS + 10_000),
        Event("two", Severity.WARN, date_ms=START_MS + 1),
        Event("one", date_ms=START_MS),
    ]


def test_dates_follow_the_clock_forward(bench: Bench) -> None:
    for _ in range(3):
        bench.commit(AddEvent(Event("x")), AddEvent(Event("x")))
        bench.clock.at += 5
    assert bench.dates()[::-1] == [START_MS + ms for ms in (0, 1, 5000, 5001, 10_000, 10_001)]


@pytest.mark.parametrize("scope", [{"environment_id": "e-1"}, {"application": "app"}])
@pytest.mark.parametrize("step", [0.0, 0.0001, -3600.0, -EVENT_RETENTION_S * 2])
def test_dates_rise_within_a_scope_whatever_the_clock_does(
    bench: Bench, scope: dict[str, str], step: float
) -> None:
    for number in range(5):
        bench.commit(AddEvent(Event(f"{number}", **scope)), AddEvent(Event("more", **scope)))
        bench.clock.at += step
    dates = bench.dates()[::-1]
    assert dates == [START_MS + n for n in range(10)]


def test_scopes_have_dates_of_their_own(bench: Bench) -> None:
    bench.commit(
        AddEvent(Event("1", application="app")),
        AddEvent(Event("2", application="other")),
        AddEvent(Event("3", application="app", environment_id="e-1")),
        AddEvent(Event("4", application="app", environment_id="e-2")),
    )
    assert bench.dates() == [START_MS] * 4
    assert bench.told() == ["4", "3", "2", "1"]


def test_a_refused_commit_uses_up_no_date(bench: Bench) -> None:
    for _ in range(3):
        with pytest.raises(Conflict):
            bench.commit(AddEvent(Event("never")), PutVersion(Version("app", "v1")))
    bench.commit(AddEvent(Event("told")))
    assert bench.dates() == [START_MS]


FIELDS = ("application", "environment", "environment_id", "version_label", "request_id")


@pytest.mark.parametrize("name", [*FIELDS, "platform_arn"])
def test_events_are_found_by_each_of_their_names(bench: Bench, name: str) -> None:
    bench.commit(AddEvent(Event("without")))
    bench.commit(*(AddEvent(Event(value, **{name: value})) for value in ("a", "b", "a")))
    assert bench.told(**{name: "a"}) == ["a", "a"]
    assert bench.told(**{name: "c"}) == []
    assert len(bench.told()) == 4


def test_an_environment_is_not_mistaken_for_the_scope_of_an_application(bench: Bench) -> None:
    bench.commit(AddEvent(Event("told", application="app")))
    assert bench.told(environment_id="application/app") == []


def test_all_given_members_must_match(bench: Bench) -> None:
    names = dict.fromkeys(FIELDS, "x")
    bench.commit(AddEvent(Event("all", **names)))
    for name in FIELDS:
        bench.commit(AddEvent(Event(f"not {name}", **{**names, name: "y"})))
    assert bench.told(**names) == ["all"]


def test_severity_means_at_least(bench: Bench) -> None:
    bench.commit(*(AddEvent(Event(s.value, s)) for s in Severity))
    assert bench.told(severity=Severity.WARN) == ["FATAL", "ERROR", "WARN"]
    assert len(bench.told(severity=Severity.TRACE)) == 6


def test_events_of_a_span_of_time(bench: Bench) -> None:
    bench.commit(*(AddEvent(Event(str(n), environment_id="e-1")) for n in range(5)))
    assert bench.told(start_ms=START_MS + 1, end_ms=START_MS + 3) == ["2", "1"]
    assert bench.told(environment_id="e-1", start_ms=START_MS + 3) == ["4", "3"]
    assert bench.told(end_ms=START_MS) == []
    assert len(bench.told(start_ms=-(10**30), end_ms=10**30)) == 5


def test_events_are_read_page_by_page(bench: Bench) -> None:
    bench.commit(*(AddEvent(Event(str(n))) for n in range(5)))
    assert bench.told(limit=2) == ["4", "3"]
    assert bench.told(limit=2, offset=3) == ["1", "0"]
    assert bench.told(limit=2, offset=9) == []
    assert bench.told(limit=-1) == []
    assert bench.told(limit=1, offset=-4) == ["4"]


def test_an_event_may_say_anything(bench: Bench) -> None:
    bench.commit(AddEvent(Event("torn \udce4 \0 €")))
    assert bench.told() == ["torn \udce4 \0 €"]


def test_events_are_forgotten_after_six_weeks_and_their_dates_are_not(bench: Bench) -> None:
    bench.commit(AddEvent(Event("old", environment_id="e-1")), AddEvent(Event("old as well")))
    bench.clock.at += 100
    bench.commit(AddEvent(Event("young")))
    assert isinstance(bench.store, (MemoryStore, SqliteStore))
    assert bench.run(bench.store.prune(START + EVENT_RETENTION_S)) == 0
    assert bench.run(bench.store.prune(START + EVENT_RETENTION_S + 1)) == 2
    assert bench.told() == ["young"]
    bench.clock.at = START - 1000
    bench.commit(AddEvent(Event("again", environment_id="e-1")))
    assert bench.dates(environment_id="e-1") == [START_MS + 1]


def test_commits_at_once_all_take_place(bench: Bench) -> None:
    async def many() -> None:
        changes = [[PutDocument("kind", f"{n:03}", "x"), AddEvent(Event("x"))] for n in range(100)]
        await asyncio.gather(*map(bench.store.commit, changes))

    bench.run(many())
    assert len(bench.run(bench.store.documents("kind"))) == 100
    assert sorted(bench.dates()) == [START_MS + n for n in range(100)]


def test_of_saves_at_once_one_takes_place_and_the_others_are_told(bench: Bench) -> None:
    one, _ = two_environments(bench)

    async def race() -> list[BaseException | None]:
        saves = [
            [PutEnvironment(replace(one, desired=n)), AddEvent(Event("saved"))] for n in range(20)
        ]
        return await asyncio.gather(*map(bench.store.commit, saves), return_exceptions=True)

    answers = bench.run(race())
    assert [type(a) for a in answers].count(Conflict) == 19
    assert bench.environment(one.id).desired == answers.index(None)
    assert bench.told() == ["saved"]
