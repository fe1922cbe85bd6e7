from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from dataclasses import replace

import pytest

from jackbean.ports.buckets import Checksum, Description
from jackbean.services.objects import (
    Completion,
    Conditions,
    ListQuery,
    PartName,
    UploadName,
    Write,
    limits,
)

LARGE = limits.PART_BYTES_MIN


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


class Uploading:
    """One upload of the key "k"."""

    def __init__(self, world, algorithm="", kind="", key="k"):
        self.w, self.algorithm, self.kind, self.key = world, algorithm, kind, key

    async def begin(self):
        write = Write("bucket", self.key, Description(metadata=(("m", "1"),)))
        upload = await self.w.uploads.begin(write, self.algorithm, self.kind)
        self.name = UploadName("bucket", self.key, upload.id)
        return self

    async def part(self, number, data, **said):
        return await self.w.uploads.put_part(self.name, number, self.w.incoming(data, **said))

    async def complete(self, *parts, **said):
        names = tuple(PartName(part.number, part.etag) for part in parts)
        return await self.w.uploads.complete(self.name, Completion(names, **said))


def test_parts_in_any_order_become_one_file(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        last = await up.part(7, b"end")
        first = await up.part(1, b"a" * LARGE)
        await up.part(3, b"wrong")
        middle = await up.part(3, b"b" * LARGE)
        record = await up.complete(first, middle, last)
        whole = b"a" * LARGE + b"b" * LARGE + b"end"
        assert await w.data(record) == whole
        assert record.digest == hashlib.sha256(whole).hexdigest()
        sums = b"".join(bytes.fromhex(part.etag) for part in (first, middle, last))
        assert record.etag == hashlib.md5(sums).hexdigest() + "-3"
        assert record.parts == (LARGE, LARGE, 3)
        assert record.description.metadata == (("m", "1"),)
        assert await w.objects.find("bucket", "k") == record
        w.clock.advance(1e6)
        assert await w.collect() == 4
        assert w.files() == 1

    play(scenario)


def test_one_part_is_the_file(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        record = await up.complete(await up.part(1, b"one"))
        assert record.etag == hashlib.md5(hashlib.md5(b"one").digest()).hexdigest() + "-1"
        assert w.files() == 1

    play(scenario)


def test_completing_twice_is_completing_once(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        part = await up.part(1, b"one")
        record = await up.complete(part)
        assert await up.complete(part) == record
        await w.put("k", b"other")
        assert await w.code(up.complete(part)) == "NoSuchUpload"

    play(scenario)


def test_completing_twice_at_once_is_completing_once(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        parts = [await up.part(1, b"a" * LARGE), await up.part(2, b"b")]
        first, second = await asyncio.gather(up.complete(*parts), up.complete(*parts))
        assert first == second

    play(scenario)


def test_lists_that_are_wrong(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        a, b = await up.part(1, b"a" * (LARGE - 1)), await up.part(2, b"b")
        assert await w.code(up.complete()) == "MalformedXML"
        assert await w.code(up.complete(b, a)) == "InvalidPartOrder"
        assert await w.code(up.complete(a, a)) == "InvalidPartOrder"
        assert await w.code(up.complete(replace(a, number=9))) == "InvalidPart"
        assert await w.code(up.complete(replace(a, etag=b.etag))) == "InvalidPart"
        assert await w.code(up.complete(a, b)) == "EntityTooSmall"
        assert await w.code(up.complete(a, size=3)) == "InvalidRequest"
        assert (await up.complete(a, size=LARGE - 1)).size == LARGE - 1

    play(scenario)


def test_part_numbers_are_bounded(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        for number in (0, -1, 10_001):
            assert await w.code(up.part(number, b"")) == "InvalidArgument"

    play(scenario)


def test_an_upload_is_found_by_all_its_names_only(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        for wrong in (
            replace(up.name, id="x"),
            replace(up.name, key="j"),
            replace(up.name, bucket="other"),
        ):
            assert await w.code(w.uploads.put_part(wrong, 1, w.incoming(b""))) == "NoSuchUpload"
            assert await w.code(w.uploads.abort(wrong)) == "NoSuchUpload"
            assert await w.code(w.uploads.parts(wrong, 0, 9)) == "NoSuchUpload"
            assert await w.code(w.uploads.complete(wrong, Completion(()))) == "NoSuchUpload"

    play(scenario)


def test_aborting_leaves_nothing(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        await up.part(1, b"one")
        await w.uploads.abort(up.name)
        assert await w.code(w.uploads.abort(up.name)) == "NoSuchUpload"
        w.clock.advance(1e6)
        assert await w.collect() == 1
        assert w.files() == 0

    play(scenario)


def test_completing_on_condition(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        part = await up.part(1, b"one")
        await w.put("k", b"there")
        absent = Conditions(if_none_match="*")
        assert await w.code(up.complete(part, conditions=absent)) == "PreconditionFailed"
        await w.objects.delete("bucket", "k")
        await up.complete(part, conditions=absent)

    play(scenario)


# Checksums


def test_a_composite_checksum_is_that_of_the_checksums(play):
    async def scenario(w):
        up = await Uploading(w, "crc32").begin()
        said = Checksum("CRC32", crc32(b"a" * LARGE))
        a = await up.part(1, b"a" * LARGE, algorithm="CRC32", checked=lambda: said)
        assert a.checksum == said
        b = await up.part(2, b"b")  # nothing said: computed here
        assert b.checksum == Checksum("CRC32", crc32(b"b"))
        sums = b"".join(zlib.crc32(data).to_bytes(4, "big") for data in (b"a" * LARGE, b"b"))
        expected = Checksum("CRC32", crc32(sums) + "-2", "COMPOSITE")
        wrong = replace(expected, value=crc32(sums) + "-3")
        assert await w.code(up.complete(a, b, checksum=wrong)) == "BadDigest"
        record = await up.complete(a, b, checksum=expected)
        assert record.checksum == expected

    play(scenario)


@pytest.mark.parametrize("sizes", [(LARGE, 3), (3,)])
def test_a_full_checksum_is_that_of_the_whole(play, sizes):
    async def scenario(w):
        up = await Uploading(w, "CRC32", "FULL_OBJECT").begin()
        parts = [await up.part(n, bytes([n]) * size) for n, size in enumerate(sizes, start=1)]
        whole = b"".join(bytes([n]) * size for n, size in enumerate(sizes, start=1))
        wrong = Checksum("CRC32", crc32(b"x"))
        assert await w.code(up.complete(*parts, checksum=wrong)) == "BadDigest"
        record = await up.complete(*parts, checksum=Checksum("CRC32", crc32(whole)))
        assert record.checksum == Checksum("CRC32", crc32(whole))

    play(scenario)


def test_a_checksum_that_only_the_end_brings_is_checked(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        part = await up.part(1, b"one")
        wrong, right = (Checksum("CRC32", crc32(data)) for data in (b"two", b"one"))
        assert await w.code(up.complete(part, checksum=wrong)) == "BadDigest"
        assert (await up.complete(part, checksum=right)).checksum == right

    play(scenario)


def test_crc64_is_always_of_the_whole(play):
    async def scenario(w):
        up = await Uploading(w, "CRC64NVME").begin()
        record = await up.complete(await up.part(1, b"123456789"))
        value = base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()
        assert record.checksum == Checksum("CRC64NVME", value)

    play(scenario)


def test_kinds_of_checksums_that_do_not_fit(play):
    async def scenario(w):
        write = Write("bucket", "k")
        assert await w.code(w.uploads.begin(write, "CRC64NVME", "COMPOSITE")) == "InvalidRequest"
        assert await w.code(w.uploads.begin(write, "SHA256", "FULL_OBJECT")) == "InvalidRequest"
        assert await w.code(w.uploads.begin(write, "ROT13", "")) == "InvalidRequest"
        assert await w.code(w.uploads.begin(write, "", "COMPOSITE")) == "InvalidArgument"
        up = await Uploading(w, "SHA1").begin()
        assert await w.code(up.part(1, b"", algorithm="CRC32")) == "InvalidRequest"

    play(scenario)


def test_a_part_named_with_another_checksum_is_not_that_part(play):
    async def scenario(w):
        up = await Uploading(w, "CRC32").begin()
        part = await up.part(1, b"one")
        name = PartName(1, part.etag, Checksum("CRC32", crc32(b"two")))
        assert await w.code(w.uploads.complete(up.name, Completion((name,)))) == "InvalidPart"

    play(scenario)


# Lists


def test_parts_come_in_pages(play):
    async def scenario(w):
        up = await Uploading(w).begin()
        parts = [await up.part(n, bytes([n])) for n in (5, 1, 3)]
        page = await w.uploads.parts(up.name, 0, 2)
        assert ([one.number for one in page.parts], page.truncated) == ([1, 3], True)
        page = await w.uploads.parts(up.name, 3, 2)
        assert (page.parts, page.truncated) == ((parts[0],), False)
        assert await w.code(w.uploads.parts(up.name, -1, 2)) == "InvalidArgument"

    play(scenario)


def test_uploads_come_in_order_of_key_and_age(play):
    async def scenario(w):
        ids = []
        for key in ("b/1", "a", "b/2", "a"):
            w.clock.advance(0.5)
            ids.append((await Uploading(w, key=key).begin()).name.id)
        page = await w.uploads.list("bucket", ListQuery())
        assert [one.id for one in page.items] == [ids[1], ids[3], ids[0], ids[2]]
        page = await w.uploads.list("bucket", ListQuery(limit=1))
        assert ([one.id for one in page.items], page.truncated) == ([ids[1]], True)
        page = await w.uploads.list("bucket", ListQuery(after="a", after_id=ids[1]))
        assert [one.id for one in page.items] == [ids[3], ids[0], ids[2]]
        page = await w.uploads.list("bucket", ListQuery(after="a", delimiter="/"))
        assert (page.items, page.prefixes) == ((), ("b/",))

    play(scenario)
