from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.services.objects.ranges import Slice, of_copy, of_header, of_part

SIZES = st.integers(0, 60)
ENDS = st.one_of(st.none(), st.integers(0, 70))


def model(first: int | None, last: int | None, size: int) -> bytes | None:
    """Return the bytes that RFC 9110 gives, the whole if it ignores the range, None for 416."""
    data = bytes(range(size))
    if first is None and last is None:
        return data
    if first is None:
        return data[-last:] if last and size else None
    if last is not None and last < first:
        return data
    found = data[first : None if last is None else last + 1]
    return found or None


@given(ENDS, ENDS, SIZES)
def test_a_range_is_a_slice(first, last, size):
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    expected = model(first, last, size)
    if expected is None:
        with pytest.raises(Fault) as raised:
            of_header(header, size)
        assert (raised.value.code, raised.value.status) == ("InvalidRange", 416)
        return
    part = of_header(header, size)
    assert bytes(range(size))[part.first : part.first + part.length] == expected
    assert part.partial or part == Slice(0, size, size)


@given(st.text(max_size=30).filter(lambda text: "bytes=" not in text), SIZES)
def test_what_is_no_range_is_ignored(text, size):
    assert of_header(text, size) == Slice(0, size, size)


@pytest.mark.parametrize(
    "header", ["bytes=0-1,3-4", "lines=1-2", "bytes=x-2", "bytes=-", "bytes=2-1"]
)
def test_what_is_no_single_range_gives_the_whole(header):
    assert of_header(header, 10) == Slice(0, 10, 10)


def test_content_range():
    assert of_header("bytes=2-3", 10).content_range == "bytes 2-3/10"


def test_parts_lie_one_after_the_other():
    assert of_part(2, (5, 7, 1), 13) == Slice(5, 7, 13, partial=True)
    assert of_part(1, (), 13) == Slice(0, 13, 13, partial=True)
    with pytest.raises(Fault) as raised:
        of_part(4, (5, 7, 1), 13)
    assert (raised.value.code, raised.value.status) == ("InvalidPartNumber", 416)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-3", "bytes=0-10", "bytes=3-2", "0-3", ""])
def test_a_copied_range_is_exact(header):
    with pytest.raises(Fault) as raised:
        of_copy(header, 10)
    assert raised.value.code == "InvalidArgument"
    assert of_copy("bytes=0-9", 10) == Slice(0, 10, 10, partial=True)
