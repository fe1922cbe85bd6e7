"""The rules of queues: digests, receipts, what may be sent, and who is let out of a line."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.ports.queues import Queue, Receipt
from jackbean.services.queues import digests, names, permissions
from jackbean.services.queues.attributes import checked, terms
from jackbean.services.queues.digests import Attribute
from jackbean.services.queues.handles import Handles
from jackbean.services.queues.lines import Line
from jackbean.services.queues.messages import Entry, draft, packed, unpacked
from jackbean.services.topics import attributes as of_topics

HERE = Installation("us-east-1", "123456789012")
PLAIN = Queue("q", 1.0, 1.0, key=7)
ORDERED = Queue("q.fifo", 1.0, 1.0, (("ContentBasedDeduplication", "true"),), key=8)
ATTRIBUTES = st.dictionaries(
    st.text("abc.-_", min_size=1, max_size=5),
    st.builds(Attribute, st.sampled_from(["String", "Number.x"]), st.text(min_size=1))
    | st.builds(Attribute, st.just("Binary"), st.binary(min_size=1)),
    max_size=4,
)


def test_digests_are_those_that_clients_check():
    assert digests.of_body("derp") == "58fd9edd83341c29f1aebba81c31e257"
    number = {"SOME_Valid.attribute-Name": Attribute("Number", "1493147359900")}
    assert digests.of_attributes(number) == "36655e7e9d7c0e8479fa3f3f42247ae7"


@given(ATTRIBUTES)
def test_attributes_are_kept_as_they_are(attributes):
    assert unpacked(packed(attributes)) == attributes


@given(st.integers(1, 2**40), st.integers(1, 2**30), st.binary(min_size=1, max_size=3), st.data())
def test_a_receipt_handle_is_read_back_and_cannot_be_changed(number, receives, noise, data):
    handles, receipt = Handles(b"key"), Receipt(number, receives)
    handle = handles.handle(7, receipt)
    assert handles.receipt(7, handle) == receipt
    raw = bytearray(base64.urlsafe_b64decode(handle))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= noise[0] or 1
    for wrong in (base64.urlsafe_b64encode(raw).decode(), handle[:-1], handle + "A", "ä", ""):
        with pytest.raises(Fault) as refused:
            handles.receipt(7, wrong)
        assert refused.value.code == "ReceiptHandleIsInvalid"
    for other in (lambda: handles.receipt(8, handle), lambda: Handles(b"k").receipt(7, handle)):
        with pytest.raises(Fault):
            other()


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "S", "P"]), min_size=1))
def test_text_is_kept_as_it_is(body):
    kept = draft(Entry(body), PLAIN, 5.0, ("id", "me"))
    assert (kept.body, kept.visible_ms) == (body, 5000)


@pytest.mark.parametrize("unfit", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_refused(unfit):
    with pytest.raises(Fault) as refused:
        draft(Entry(f"a{unfit}b"), PLAIN, 5.0, ("id", "me"))
    assert refused.value.code == "InvalidMessageContents"


def test_duplicates_are_told_by_content_only_where_nothing_else_tells_them():
    made = [
        draft(Entry(body, lane="g", token=token), ORDERED, 1.0, ("id", "me")).token
        for body, token in (("a", None), ("a", None), ("b", None), ("a", "t"))
    ]
    assert made[0] == made[1] != made[2]
    assert made[3] == "t"
    scoped = replace(ORDERED, attributes=(("DeduplicationScope", "messageGroup"),))
    assert draft(Entry("a", lane="g", token="t"), scoped, 1.0, ("id", "me")).scope == "g"
    assert draft(Entry("a", lane="g", token="t"), ORDERED, 1.0, ("id", "me")).scope == ""


@given(st.text(max_size=8), st.text(max_size=8))
def test_attributes_that_are_taken_mean_something(name, value):
    try:
        plain = checked({name: value}, fifo=False)
    except Fault:
        return
    terms(replace(PLAIN, attributes=tuple(plain.items())))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8700/123456789012/q",
        "https://sqs.us-east-1.amazonaws.com/123456789012/q",
        "/123456789012/q/",
        "q",
    ],
)
def test_a_queue_is_named_by_its_url_whatever_the_host(url):
    assert names.name_in_url(url, HERE) == "q"


@pytest.mark.parametrize("url", ["", "/", "http://", "http://[", "/000000000000/q", "x" * 3000])
def test_urls_of_no_queue_here(url):
    with pytest.raises(Fault) as refused:
        names.name_in_url(url, HERE)
    assert refused.value.code == "QueueDoesNotExist"


def test_permissions_are_added_and_removed():
    grant = permissions.Grant("one", ["111122223333"], ["SendMessage"])
    policy = permissions.added("", "arn", grant)
    with pytest.raises(Fault):
        permissions.added(policy, "arn", grant)
    both = permissions.added(policy, "arn", replace(grant, label="two"))
    assert permissions.removed(permissions.removed(both, "two"), "one") == ""


# Lines


def played(scenario):
    return asyncio.run(scenario())


def test_a_message_lets_one_out_and_the_others_wait():
    async def scenario():
        line = Line(lambda: 0.0)
        waiting = [asyncio.ensure_future(line.wait(line.rung, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        line.ring()
        await asyncio.sleep(0)
        assert [one.done() for one in waiting] == [True, False, False]
        line.ring(2)
        assert await asyncio.gather(*waiting) == [True, True, True]
        assert len(line) == 0

    played(scenario)


def test_a_ring_before_the_waiting_is_not_lost():
    async def scenario():
        line = Line(lambda: 0.0)
        since = line.rung
        line.ring()
        assert await line.wait(since, 60)

    played(scenario)


def test_who_is_let_out_and_has_gone_lets_out_the_next():
    async def scenario():
        line = Line(lambda: 0.0)
        first, second = (asyncio.ensure_future(line.wait(line.rung, 60)) for _ in range(2))
        await asyncio.sleep(0)
        line.ring()
        first.cancel()
        assert await asyncio.wait_for(second, 5)

    played(scenario)


def test_a_moment_that_comes_lets_one_out():
    async def scenario():
        loop = asyncio.get_running_loop()
        line = Line(loop.time)
        line.note(int(1000 * (loop.time() + 60)))
        line.note(int(1000 * (loop.time() + 0.05)))
        assert await line.wait(line.rung, 5)
        line.close()

    played(scenario)


def test_waiting_ends_when_its_time_is_over():
    async def scenario():
        line = Line(lambda: 0.0)
        assert not await line.wait(line.rung, 0.01)
        assert len(line) == 0

    played(scenario)


def test_thousands_wait_at_little_cost():
    async def scenario():
        line = Line(lambda: 0.0)
        waiting = [asyncio.ensure_future(line.wait(line.rung, 60)) for _ in range(5000)]
        await asyncio.sleep(0)
        for _ in range(5000):
            line.ring()
        assert all(await asyncio.gather(*waiting))

    played(scenario)


@pytest.mark.parametrize(
    "policy",
    ["[]", "{", '{"Statement": "x"}', '{"Statement": {"Effect": "allow"}}', "[" * 9999],
)
def test_what_is_no_policy_is_not_kept(policy: str) -> None:
    """It would be read as one that denies nothing."""
    with pytest.raises(Fault):
        checked({"Policy": policy}, fifo=False)
    with pytest.raises(Fault):
        of_topics.check(of_topics.TOPIC, {"Policy": policy})


@pytest.mark.parametrize("policy", ["", '{"Statement": []}', '{"Statement": {"Effect": "Deny"}}'])
def test_what_is_a_policy_is_kept(policy: str) -> None:
    assert checked({"Policy": policy}, fifo=False) == {"Policy": policy}
    of_topics.check(of_topics.TOPIC, {"Policy": policy})
