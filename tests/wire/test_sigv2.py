from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from jackbean.wire import sigv2
from jackbean.wire.errors import WireFault
from jackbean.wire.request import Headers, HttpRequest

KEY, SECRET = "AKIDEXAMPLE", "secret/with+signs"
NOW = 1_800_000_000.0


def presigned(url: str, method: str = "GET", expires: int = 60) -> HttpRequest:
    """Return a request for a URL as botocore signs it."""
    request = AWSRequest(method=method, url=url)
    auth = HmacV1QueryAuth(Credentials(KEY, SECRET), expires)
    auth.add_auth(request)
    parts = urlsplit(request.prepare().url)
    return HttpRequest(method, parts.path, parts.query, Headers({"host": "127.0.0.1"}))


def claimed(request: HttpRequest) -> sigv2.Claim:
    claim = sigv2.find_claim(request)
    assert claim is not None
    return claim


@given(
    st.text("abcXYZ09-_.~ /%+é", min_size=1, max_size=20),
    st.sampled_from(["", "?uploadId=a%2Fb&partNumber=2", "?response-content-type=text%2Fplain"]),
    st.sampled_from(["GET", "PUT", "HEAD"]),
)
def test_what_botocore_signs_holds(key: str, query: str, method: str) -> None:
    from urllib.parse import quote

    request = presigned(f"http://127.0.0.1/bucket/{quote(key)}{query}", method)
    claim = claimed(request)
    now = int(claim.expires) - 60
    sigv2.verify(request, claim, SECRET, now)
    with pytest.raises(WireFault, match="SignatureDoesNotMatch"):
        sigv2.verify(request, claim, SECRET + "x", now)
    other = HttpRequest(request.method, request.path + "x", request.query, request.headers)
    with pytest.raises(WireFault, match="SignatureDoesNotMatch"):
        sigv2.verify(other, claim, SECRET, now)


def test_an_old_url_is_refused() -> None:
    request = presigned("http://127.0.0.1/bucket/key")
    claim = claimed(request)
    with pytest.raises(WireFault, match="expired"):
        sigv2.verify(request, claim, SECRET, int(claim.expires) + 1)


def test_nothing_is_claimed_by_a_plain_url() -> None:
    assert sigv2.find_claim(HttpRequest("GET", "/bucket/key", "Signature=x")) is None
