"""The conversation with Envoy: what is sent, in which order, and what is not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from jackbean.routing.resources import Kind, Resource, Snapshot
from jackbean.routing.xds import CHUNK, UNANSWERED_MAX, Answer, Ask, Conversation, Delivery, Overrun


def resource(kind: Kind, name: str, value: int = 0) -> Resource:
    return Resource(kind, name, {"name": name, "value": value})


def snapshot(resources: Iterable[Resource], held: Iterable[str] = ()) -> Snapshot:
    several: dict[Kind, dict[str, Resource]] = {}
    for one in resources:
        several.setdefault(one.kind, {})[one.name] = one
    return Snapshot(several, frozenset(held))


def environment(name: str, value: int = 0) -> list[Resource]:
    return [resource(kind, name, value) for kind in Kind]


def names(deliveries: Iterable[Delivery]) -> list[tuple[Kind, list[str], list[str]]]:
    return [(d.kind, [r.name for r in d.resources], list(d.removed)) for d in deliveries]


def fresh(*subscribed: str) -> Conversation:
    """Return the conversation with an Envoy that has nothing."""
    talk = Conversation()
    for kind in Kind:
        talk.hear(Ask(kind, subscribe=() if kind.wildcard else subscribed))
    return talk


def told(talk: Conversation, wanted: Snapshot) -> list[Delivery]:
    deliveries = list(talk.due(wanted))
    for one in deliveries:
        assert talk.hear(Ask(one.kind, nonce=one.nonce)) == Answer(one)
    return deliveries


def test_what_is_named_comes_before_what_names_it() -> None:
    talk = fresh("a")
    assert names(talk.due(snapshot(environment("a")))) == [(kind, ["a"], []) for kind in Kind]
    assert list(talk.due(snapshot(environment("a")))) == []


def test_only_what_has_changed_is_sent() -> None:
    talk = fresh("a", "b")
    told(talk, snapshot([*environment("a"), *environment("b")]))
    after = [*environment("a"), *environment("b")[:3], resource(Kind.ROUTES, "b", 1)]
    assert names(talk.due(snapshot(after))) == [(Kind.ROUTES, ["b"], [])]


def test_clusters_go_last_and_listeners_make_room_for_one_another() -> None:
    talk = fresh("a", "b")
    told(talk, snapshot(environment("a")))
    assert names(talk.due(snapshot(environment("b")))) == [
        (Kind.CLUSTER, ["b"], []),
        (Kind.ENDPOINTS, ["b"], []),
        (Kind.LISTENER, ["b"], ["a"]),
        (Kind.ROUTES, ["b"], []),
        (Kind.CLUSTER, [], ["a"]),
    ]
    talk = fresh("a")
    told(talk, snapshot(environment("a")))
    assert names(talk.due(snapshot([]))) == [
        (Kind.LISTENER, [], ["a"]),
        (Kind.CLUSTER, [], ["a"]),
    ]


def test_nobody_is_told_before_he_asks() -> None:
    talk = Conversation()
    wanted = snapshot(environment("a"))
    assert list(talk.due(wanted)) == []
    talk.hear(Ask(Kind.CLUSTER))
    talk.hear(Ask(Kind.ENDPOINTS, subscribe=("b",)))
    assert names(talk.due(wanted)) == [(Kind.CLUSTER, ["a"], [])]
    talk.hear(Ask(Kind.ENDPOINTS, subscribe=("a",)))
    assert names(talk.due(wanted)) == [(Kind.ENDPOINTS, ["a"], [])]


def returning(has: Snapshot) -> Conversation:
    talk = Conversation()
    for kind in Kind:
        versions = {name: r.version for name, r in has.of(kind).items()}
        talk.hear(Ask(kind, subscribe=() if kind.wildcard else tuple(versions), has=versions))
    return talk


def test_an_envoy_that_returns_with_all_of_it_is_told_nothing() -> None:
    wanted = snapshot([*environment("a"), *environment("b")])
    talk = returning(wanted)
    assert list(talk.due(wanted)) == []
    assert talk.settled(wanted)


def test_an_envoy_that_returns_is_told_what_changed_meanwhile() -> None:
    talk = returning(snapshot([*environment("a"), *environment("b")]))
    assert names(talk.due(snapshot(environment("a", 1)))) == [
        (Kind.CLUSTER, ["a"], []),
        (Kind.ENDPOINTS, ["a"], []),
        (Kind.LISTENER, ["a"], ["b"]),
        (Kind.ROUTES, ["a"], []),
        (Kind.CLUSTER, [], ["b"]),
    ]


def test_what_is_held_is_neither_sent_nor_removed() -> None:
    talk = returning(snapshot(environment("a")))
    rest = [resource(kind, "a") for kind in (Kind.ENDPOINTS, Kind.LISTENER, Kind.ROUTES)]
    assert list(talk.due(snapshot(rest, held=["a"]))) == []
    assert names(talk.due(snapshot(rest))) == [(Kind.CLUSTER, [], ["a"])]


def test_who_asks_again_is_told_again() -> None:
    talk = fresh("a")
    wanted = snapshot(environment("a"))
    told(talk, wanted)
    talk.hear(Ask(Kind.ENDPOINTS, subscribe=("a",)))
    assert names(talk.due(wanted)) == [(Kind.ENDPOINTS, ["a"], [])]
    talk.hear(Ask(Kind.ENDPOINTS, unsubscribe=("a",)))
    assert list(talk.due(snapshot([*environment("a")[:1], *environment("a", 1)[1:2]]))) != []
    assert talk.hear(Ask(Kind.ENDPOINTS)) is None


def test_a_refusal_comes_with_what_was_refused_and_is_not_sent_again_by_itself() -> None:
    talk = fresh("a")
    wanted = snapshot(environment("a"))
    first = next(talk.due(wanted))
    answer = talk.hear(Ask(first.kind, nonce=first.nonce, refusal="no"))
    assert answer == Answer(first, "no")
    assert [d.kind for d in talk.due(wanted)] == list(Kind)[1:]
    talk.forget(resource(Kind.CLUSTER, "a", 1))
    assert list(talk.due(wanted)) == []
    talk.forget(resource(Kind.CLUSTER, "a"))
    assert names(talk.due(wanted)) == [(Kind.CLUSTER, ["a"], [])]


def test_it_is_settled_once_all_is_answered() -> None:
    talk = fresh("a")
    wanted = snapshot(environment("a"))
    assert not talk.settled(wanted)
    deliveries = list(talk.due(wanted))
    for one in deliveries:
        assert not talk.settled(wanted)
        talk.hear(Ask(one.kind, nonce=one.nonce))
    assert talk.settled(wanted)
    assert not talk.settled(snapshot(environment("a", 1)))
    assert not talk.settled(snapshot([*environment("a"), resource(Kind.LISTENER, "b")]))


def test_many_resources_go_in_several_messages() -> None:
    talk = fresh()
    several = [resource(Kind.CLUSTER, f"c{n:04d}") for n in range(2 * CHUNK + 1)]
    sizes = [len(d.resources) for d in talk.due(snapshot(several))]
    assert sizes == [CHUNK, CHUNK, 1]


def test_an_envoy_that_never_answers_is_given_up() -> None:
    talk = fresh()

    def go_on() -> None:
        for value in range(UNANSWERED_MAX + 1):
            list(talk.due(snapshot([resource(Kind.CLUSTER, "a", value)])))

    with pytest.raises(Overrun, match=str(UNANSWERED_MAX)):
        go_on()
