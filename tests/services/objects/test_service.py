from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib

import pytest

from jackbean.core.errors import Fault, PortError
from jackbean.ports.buckets import Checksum, Description
from jackbean.services.objects import Conditions, Incoming, ListQuery, NotModified, Write, limits
from jackbean.services.objects.ranges import Slice
from jackbean.services.objects.reading import pieces

HELLO = b"hello, world"
DIGITS = b"123456789"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def crc32(data: bytes) -> str:
    return b64(zlib.crc32(data).to_bytes(4, "big"))


def test_what_was_put_is_found(play):
    async def scenario(w):
        record = await w.put("a/b", HELLO)
        assert record.size == len(HELLO)
        assert record.etag == hashlib.md5(HELLO).hexdigest()
        assert record.digest == hashlib.sha256(HELLO).hexdigest()
        assert record.modified == w.clock.now()
        assert await w.objects.find("bucket", "a/b") == record
        assert await w.data(record) == HELLO
        assert await w.objects.find("bucket", "a") is None

    play(scenario)


def test_bytes_of_the_control_plane(play):
    async def scenario(w):
        record = await w.objects.put_bytes("bucket", "k", w.incoming(b"a", b"b").chunks, "text/x")
        assert await w.data(record) == b"ab"
        assert record.description.headers == (("content-type", "text/x"),)

    play(scenario)


def test_a_key_is_never_a_path(play):
    async def scenario(w):
        for key in ("../../etc/passwd", "/etc/passwd", ".", "..", "a\x00b", "é" * 512, "\n"):
            record = await w.put(key, key.encode())
            assert await w.data(record) == key.encode()
        inside = {path.relative_to(w.root).parts[0] for path in w.root.rglob("*")}
        assert all(len(part) == 2 or part == "incoming" for part in inside)

    play(scenario)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "InvalidArgument"),
        ("a" * 1025, "KeyTooLongError"),
        ("é" * 513, "KeyTooLongError"),
        ("\ud800", "InvalidURI"),
    ],
)
def test_keys_that_are_none(play, key, code):
    async def scenario(w):
        assert await w.code(w.put(key, b"")) == code
        assert await w.code(w.objects.find("bucket", key)) == code
        assert await w.code(w.objects.delete("bucket", key)) == code
        assert await w.code(w.uploads.begin(Write("bucket", key), "", "")) == code

    play(scenario)


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "Big", "a..b", "-ab", "ab-", "1.2.3.4", "a_b", ""]
)
def test_buckets_that_may_not_be(play, name):
    async def scenario(w):
        assert await w.code(w.objects.create_bucket(name)) == "InvalidBucketName"

    play(scenario)


def test_buckets_live_and_die(play):
    async def scenario(w):
        assert await w.code(w.objects.create_bucket("bucket")) == "BucketAlreadyOwnedByYou"
        await w.put("k", b"")
        assert await w.code(w.objects.delete_bucket("bucket")) == "BucketNotEmpty"
        await w.objects.delete("bucket", "k")
        await w.objects.delete_bucket("bucket")
        assert await w.code(w.objects.delete_bucket("bucket")) == "NoSuchBucket"
        assert (await w.objects.ensure_bucket("bucket")).name == "bucket"
        assert await w.objects.ensure_bucket("bucket") == await w.objects.bucket("bucket")

    play(scenario)


def test_nothing_works_without_its_bucket(play):
    async def scenario(w):
        missing = [
            w.put("k", b"", "other"),
            w.objects.get("other", "k"),
            w.objects.delete("other", "k"),
            w.objects.delete_all("other", ["k"]),
            w.objects.list("other", ListQuery()),
            w.uploads.begin(Write("other", "k"), "", ""),
            w.uploads.list("other", ListQuery()),
        ]
        for asked in missing:
            fault = await w.fault(asked)
            assert (fault.code, fault.status) == ("NoSuchBucket", 404)
        assert await w.code(w.objects.get("bucket", "k")) == "NoSuchKey"

    play(scenario)


def test_bytes_that_fail_at_their_end_are_not_kept(play):
    async def scenario(w):
        await w.put("k", b"before")
        files = w.files()

        async def failing():
            yield HELLO
            raise Fault("BadDigest", "no")

        assert await w.code(w.objects.put(Write("bucket", "k"), Incoming(failing()))) == "BadDigest"
        assert w.files() == files
        assert await w.data(await w.objects.get("bucket", "k")) == b"before"

    play(scenario)


def test_a_checksum_that_was_checked_is_kept(play):
    async def scenario(w):
        said = Checksum("SHA1", "whatever its checker says")
        incoming = w.incoming(HELLO, algorithm="SHA1", checked=lambda: said)
        assert (await w.objects.put(Write("bucket", "k"), incoming)).checksum == said
        assert (await w.put("k", HELLO)).checksum is None

    play(scenario)


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("CRC32", crc32(DIGITS)),
        ("CRC32C", b64(bytes.fromhex("e3069283"))),
        ("CRC64NVME", b64(bytes.fromhex("ae8b14860a799888"))),
        ("MD5", b64(hashlib.md5(DIGITS).digest())),
        ("SHA1", b64(hashlib.sha1(DIGITS).digest())),
        ("SHA256", b64(hashlib.sha256(DIGITS).digest())),
        ("SHA512", b64(hashlib.sha512(DIGITS).digest())),
    ],
)
def test_a_copy_gets_the_checksum_that_is_asked_for(play, algorithm, value):
    async def scenario(w):
        source = await w.put("k", DIGITS)
        copy = await w.objects.copy(source, Write("bucket", "c"), algorithm.lower())
        assert copy.checksum == Checksum(algorithm, value)
        again = await w.objects.copy(copy, Write("bucket", "d"))
        assert again.checksum == copy.checksum

    play(scenario)


def test_conditions_hold_against_those_who_write_at_once(play):
    async def scenario(w):
        absent = Conditions(if_none_match="*")
        tries = [
            w.objects.put(Write("bucket", "k", conditions=absent), w.incoming(bytes([n])))
            for n in range(8)
        ]
        done = await asyncio.gather(*tries, return_exceptions=True)
        faults = [one for one in done if isinstance(one, Exception)]
        assert [fault.code for fault in faults] == ["PreconditionFailed"] * 7
        (winner,) = [one for one in done if not isinstance(one, Exception)]
        assert await w.objects.find("bucket", "k") == winner

    play(scenario)


def test_a_condition_is_checked_before_a_byte_is_read(play):
    async def scenario(w):
        await w.put("k", b"")
        write = Write("bucket", "k", conditions=Conditions(if_none_match="*"))

        async def never():
            raise AssertionError("the body was read")
            yield b""

        assert await w.code(w.objects.put(write, Incoming(never()))) == "PreconditionFailed"

    play(scenario)


def test_reading_on_condition(play):
    async def scenario(w):
        record = await w.put("k", HELLO)
        with pytest.raises(NotModified) as raised:
            await w.objects.get("bucket", "k", Conditions(if_none_match=record.etag))
        assert raised.value.record == record

    play(scenario)


def test_a_copy_shares_bytes_and_outlives_its_source(play):
    async def scenario(w):
        source = await w.put("source", HELLO)
        w.clock.advance(5)
        described = Write("bucket", "copy", Description(metadata=(("a", "b"),)))
        copy = await w.objects.copy(source, described)
        assert (copy.digest, copy.etag) == (source.digest, source.etag)
        assert copy.modified == source.modified + 5
        await w.objects.delete("bucket", "source")
        w.clock.advance(1e6)
        assert await w.collect() == 0
        assert await w.data(copy) == HELLO

    play(scenario)


def test_descriptions_are_bounded(play):
    bad = {
        "MetadataTooLarge": Description(metadata=(("a", "b" * 2048),)),
        "InvalidArgument": Description(headers=(("content-type", "b" * 9000),)),
        "BadRequest": Description(tags=tuple((str(n), "") for n in range(11))),
        "InvalidTag": Description(tags=(("a", ""), ("a", ""))),
    }

    async def scenario(w):
        for code, description in bad.items():
            write = Write("bucket", "k", description)
            assert await w.code(w.objects.put(write, w.incoming())) == code

    play(scenario)


def test_tags_are_replaced(play):
    async def scenario(w):
        await w.put("k", HELLO)
        await w.objects.tag("bucket", "k", (("a", "1"),))
        assert (await w.objects.get("bucket", "k")).description.tags == (("a", "1"),)
        assert await w.code(w.objects.tag("bucket", "k", (("", "1"),))) == "InvalidTag"

    play(scenario)


def test_deleting_what_is_absent_is_done(play):
    async def scenario(w):
        await w.objects.delete("bucket", "k")
        await w.put("k", HELLO)
        stale = Conditions(if_match='"x"')
        assert await w.code(w.objects.delete("bucket", "k", stale)) == "PreconditionFailed"
        await w.objects.delete_all("bucket", ["k", "j"])
        assert await w.objects.find("bucket", "k") is None

    play(scenario)


# Collecting


def test_bytes_go_after_the_grace(play):
    async def scenario(w):
        record = await w.put("k", HELLO)
        await w.objects.delete("bucket", "k")
        w.clock.advance(limits.ORPHAN_GRACE_S - 1)
        assert await w.collect() == 0
        w.clock.advance(1)
        assert await w.collect(record.digest) == 0, "a version still uses it"
        assert await w.collect() == 1
        assert w.files() == 0
        assert await w.collect() == 0

    play(scenario)


def test_bytes_that_got_no_name_go_as_well(play):
    async def scenario(w):
        async def while_the_bucket_goes():
            yield HELLO
            await w.objects.delete_bucket("bucket")

        write = Write("bucket", "k")
        put = w.objects.put(write, Incoming(while_the_bucket_goes()))
        assert await w.code(put) == "NoSuchBucket"
        assert w.files() == 1
        w.clock.advance(limits.ORPHAN_GRACE_S)
        assert await w.collect() == 1
        assert w.files() == 0

    play(scenario)


def test_bytes_that_came_back_stay(play):
    async def scenario(w):
        await w.put("k", HELLO)
        await w.objects.delete("bucket", "k")
        w.clock.advance(1e6)
        record = await w.put("again", HELLO)
        assert await w.collect() == 0
        assert await w.data(record) == HELLO

    play(scenario)


def test_bytes_deleted_between_their_arrival_and_their_name_are_asked_for_again(play):
    """The one moment in which a collection could take bytes that are about to be named."""

    async def scenario(w):
        await w.put("old", HELLO)
        await w.objects.delete("bucket", "old")
        w.clock.advance(1e6)
        put = w.buckets.put

        async def after_a_collection(record, admit):
            assert await w.collect() == 1
            await put(record, admit)

        w.buckets.put = after_a_collection
        fault = await w.fault(w.put("new", HELLO))
        assert (fault.code, fault.status) == ("SlowDown", 503)
        assert await w.objects.find("bucket", "new") is None
        w.buckets.put = put
        assert await w.data(await w.put("new", HELLO)) == HELLO

    play(scenario)


def test_a_collection_that_was_cut_short_is_finished_by_the_next(play):
    async def scenario(w):
        await w.put("k", HELLO)
        await w.objects.delete("bucket", "k")
        w.clock.advance(1e6)
        await w.buckets.condemn((), w.clock.now(), 9)
        assert await w.code(w.put("k", HELLO)) == "SlowDown"
        assert await w.collect() == 1
        assert await w.data(await w.put("k", HELLO)) == HELLO

    play(scenario)


def test_uploads_that_nobody_finishes_are_given_up(play):
    async def scenario(w):
        upload = await w.uploads.begin(Write("bucket", "k"), "", "")
        w.clock.advance(limits.UPLOAD_AGE_MAX_S)
        await w.collect()
        assert await w.buckets.upload(upload.id) == upload
        w.clock.advance(1)
        await w.collect()
        assert await w.buckets.upload(upload.id) is None

    play(scenario)


# Reading


def test_a_file_that_is_too_short_is_said_so(tmp_path):
    path = tmp_path / "short"
    path.write_bytes(b"abc")

    async def read():
        return [piece async for piece in pieces(path, Slice(1, 5, 6))]

    with pytest.raises(PortError, match="ended 3 bytes before"):
        asyncio.run(read())
