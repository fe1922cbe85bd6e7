"""Signatures: botocore's signers against our verifier, and ours against botocore's rules."""

from __future__ import annotations

import time
import urllib.request
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import (
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jackbean.wire import canonical, sigv4
from jackbean.wire.errors import WireFault
from jackbean.wire.request import Headers, HttpRequest

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a+token/=="
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8)
HEADERS = st.dictionaries(NAMES.map(lambda name: "x-amz-meta-" + name), PRINTABLE, max_size=3)
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
PARAMS = st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=4)
REGIONS = st.sampled_from(["us-west-2", "local", "x", "mars-north-1"])


def encoded(pairs):
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs
    )


def sent(request):
    """Return an AWSRequest as a server receives it."""
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    pairs = [("Host", parts.netloc)]
    for name, value in prepared.headers.items():
        pairs.append((name, value.decode() if isinstance(value, bytes) else str(value)))
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    return HttpRequest(prepared.method, parts.path, parts.query, Headers(pairs), body)


def signed(signer, region="local", service="s3", *, token=None, path="/b/k", query="", **request):
    made = AWSRequest(
        method=request.get("method", "GET"),
        url=f"http://localhost:8080{path}" + (f"?{query}" if query else ""),
        headers=request.get("headers", {}),
        data=request.get("data"),
    )
    signer(Credentials(KEY, SECRET, token), service, region).add_auth(made)
    return sent(made)


def refused(request, *, secret=SECRET, now=None, **options):
    with pytest.raises(WireFault) as raised:
        sigv4.verify(request, secret, time.time() if now is None else now, **options)
    return raised.value


def codes(fault):
    return (fault.code, fault.status)


SENT = st.fixed_dictionaries(
    {"headers": HEADERS, "data": st.binary(max_size=40), "query": PARAMS.map(encoded)}
)


@settings(max_examples=80)
@given(key=ANY_TEXT, parts=SENT, region=REGIONS, token=st.sampled_from([None, TOKEN]))
def test_what_botocore_signs_for_s3_is_verified(key, parts, region, token):
    path = "/b/" + quote(key, safe="/~")
    request = signed(S3SigV4Auth, region, token=token, method="PUT", path=path, **parts)
    verified = sigv4.verify(request, SECRET, time.time(), token=token)
    found = sigv4.find_credential(request)
    assert found == verified.credential
    assert (found.access_key, found.region, found.service) == (KEY, region, "s3")
    unread = replace(request, body=None)
    assert sigv4.verify(unread, SECRET, time.time(), token=token).payload == verified.payload


@settings(max_examples=80)
@given(
    path=ANY_TEXT,
    parts=SENT,
    service=st.sampled_from(["elasticbeanstalk", "iam", "execute-api"]),
    signer=st.sampled_from([SigV4Auth, S3SigV4Auth]),
)
def test_what_botocore_signs_for_other_services_is_verified(path, parts, service, signer):
    path = "/" + quote(path, safe="/~")
    request = signed(signer, service=service, method="POST", path=path, **parts)
    assert sigv4.verify(request, SECRET, time.time()).credential.service == service


@settings(max_examples=100)
@given(
    key=ANY_TEXT, query=st.dictionaries(ANY_TEXT.filter(bool), ANY_TEXT, max_size=3),
    token=st.sampled_from([None, TOKEN]),
    case=st.sampled_from([(S3SigV4QueryAuth, "s3"), (SigV4QueryAuth, "sts"),
                          (S3SigV4QueryAuth, "elasticbeanstalk")]),
)  # fmt: skip
def test_what_botocore_presigns_is_verified(key, query, token, case):
    signer, service = case
    path = "/b/" + quote(key, safe="/~") if service == "s3" else "/"
    request = signed(signer, "r", service, token=token, path=path, query=encoded(query.items()))
    assert sigv4.verify(request, SECRET, time.time(), token=token).credential.region == "r"


def flipped(text, at, bit):
    at %= len(text)
    return text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]


def meaning(request):
    names = sorted(request.headers)
    return (
        request.method,
        canonical.single_path(request.path),
        sorted(canonical.query_pairs(request.query)),
        canonical.header_lines(request.headers, names),
        request.body,
    )


@settings(max_examples=250)
@given(
    part=st.sampled_from(["method", "path", "query", "header", "body", "signature"]),
    at=st.integers(0, 500), bit=st.integers(0, 6), presigned=st.booleans(),
)  # fmt: skip
def test_any_flipped_bit_fails(part, at, bit, presigned):
    request = signed(
        S3SigV4QueryAuth if presigned else S3SigV4Auth, method="PUT", path="/b/a%20key/x",
        query="partNumber=1&uploadId=ab%2Fc", headers={"x-amz-meta-a": "b c"},
        data=b"" if presigned else b"the body",
    )  # fmt: skip
    sigv4.verify(request, SECRET, time.time())
    changed = _changed(request, part, at, bit)
    assume(meaning(changed) != meaning(request))
    refused(changed)


def _changed(request, part, at, bit):
    if part == "body":
        body = bytearray(request.body or b"x")
        body[at % len(body)] ^= 1 << bit
        assume(request.body)
        return replace(request, body=bytes(body))
    if part == "header":
        names = ("host", "x-amz-meta-a") + (
            ("x-amz-date",) if "x-amz-date" in request.headers else ()
        )
        name = names[at % len(names)]
        return replace(request, headers=request.headers.added(
            [(name, flipped(request.headers[name], at, bit))]
        ))  # fmt: skip
    if part == "signature":
        assume("authorization" in request.headers)
        value = flipped(request.headers["authorization"], at, bit)
        assume(f"Credential={KEY}/" in value)  # a key of another name is looked up, not compared
        return replace(request, headers=request.headers.added([("authorization", value)]))
    return replace(request, **{part: flipped(getattr(request, part), at, bit)})


@given(at=st.integers(0, 100), bit=st.integers(0, 6))
def test_a_different_secret_fails(at, bit):
    fault = refused(signed(S3SigV4Auth), secret=flipped(SECRET, at, bit))
    assert codes(fault) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    ("service", "code"),
    [("s3", ("XAmzContentSHA256Mismatch", 400)), ("iam", ("SignatureDoesNotMatch", 403))],
)
def test_another_body_under_the_signed_hash_fails(service, code):
    request = signed(S3SigV4Auth, service=service, method="PUT", data=b"one")
    assert codes(refused(replace(request, body=b"two"))) == code


@pytest.mark.parametrize(
    ("service", "code"), [("s3", "RequestTimeTooSkewed"), ("iam", "SignatureDoesNotMatch")]
)
def test_clocks_may_differ_by_a_quarter_of_an_hour(service, code):
    request = signed(S3SigV4Auth, service=service)
    now = time.time()
    for offset_s in (-880, 880):
        sigv4.verify(request, SECRET, now + offset_s)
    for offset_s in (-920, 920):
        assert codes(refused(request, now=now + offset_s)) == (code, 403)


def test_a_presigned_url_expires():
    request = signed(S3SigV4QueryAuth)
    now = time.time()
    sigv4.verify(request, SECRET, now + 3590)
    assert codes(refused(request, now=now + 3610)) == ("AccessDenied", 403)
    assert codes(refused(request, now=now - 1000)) == ("RequestTimeTooSkewed", 403)


def test_a_presigned_url_lasts_a_week_at_most():
    request = signed(S3SigV4QueryAuth)
    for expires in ("604801", "-1", "1e3", "", "\u0663"):
        query = request.query.replace("X-Amz-Expires=3600", f"X-Amz-Expires={quote(expires)}")
        assert refused(replace(request, query=query)).status == 400


def test_a_session_token_must_be_the_one_of_the_key():
    request = signed(S3SigV4Auth, token=TOKEN)
    sigv4.verify(request, SECRET, time.time(), token=TOKEN)
    assert codes(refused(request)) == ("InvalidToken", 400)
    assert codes(refused(request, token="another")) == ("InvalidToken", 400)
    query = signed(SigV4Auth, service="iam", path="/")
    assert codes(refused(query, token=TOKEN)) == ("InvalidClientTokenId", 403)


def test_headers_that_aws_acts_on_must_be_signed():
    request = signed(S3SigV4Auth)
    headers = request.headers.added([("x-amz-copy-source", "/secret/key")])
    assert codes(refused(replace(request, headers=headers))) == ("AccessDenied", 403)
    presigned = signed(S3SigV4QueryAuth)
    headers = presigned.headers.added([("x-amz-acl", "public-read")])
    assert codes(refused(replace(presigned, headers=headers))) == ("AccessDenied", 403)


def handmade(names, date):
    """Return a request whose signature holds, over these headers and for this day."""
    headers = Headers({"Host": "h", "X-Amz-Date": "20260102T030405Z"})
    key = canonical.signing_key(SECRET, date, "r", "iam")
    lines = (names, canonical.header_lines(headers, names))
    text = canonical.request_of("GET", "/", "", lines, canonical.EMPTY_SHA256)
    scope = f"{date}/r/iam/aws4_request"
    signature = canonical.signature(key, canonical.string_to_sign("20260102T030405Z", scope, text))
    value = (
        f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={';'.join(names)},"
        f"Signature={signature}"
    )
    return HttpRequest("GET", "/", "", headers.added([("authorization", value)]))


def test_the_host_must_be_signed_and_the_day_must_be_that_of_the_credential():
    now = 1767323045
    sigv4.verify(handmade(("host", "x-amz-date"), "20260102"), SECRET, now)
    fault = refused(handmade(("x-amz-date",), "20260102"), now=now)
    assert codes(fault) == ("IncompleteSignature", 400)
    fault = refused(handmade(("host", "x-amz-date"), "20260101"), now=now)
    assert codes(fault) == ("SignatureDoesNotMatch", 403)


def test_white_space_in_headers_is_folded_and_repeated_ones_are_joined():
    request = signed(S3SigV4Auth, headers={"x-amz-meta-a": "one  two"})
    pairs = [pair for pair in request.headers.pairs if pair[0] != "x-amz-meta-a"]
    headers = Headers([*pairs, ("X-Amz-Meta-A", "  one two ")])
    sigv4.verify(replace(request, headers=headers), SECRET, time.time())
    assert Headers([("A", "1"), ("a", "2")])["A"] == "1,2"


def test_the_date_header_will_do():
    request = signed(SigV4Auth, service="iam", path="/", headers={"Date": "x"})
    assert "x-amz-date" not in request.headers
    sigv4.verify(request, SECRET, time.time())


def test_query_encoding_is_undone_and_done_again():
    request = signed(S3SigV4Auth, query="prefix=a%2Fb%20c&marker=")
    respelled = replace(request, query="marker&prefix=a/b+c")
    sigv4.verify(respelled, SECRET, time.time())


def test_unread_bodies_need_a_hash():
    request = signed(SigV4Auth, service="iam", path="/", method="POST", data=b"Action=X")
    sigv4.verify(request, SECRET, time.time())
    assert codes(refused(replace(request, body=None))) == ("IncompleteSignature", 400)


@pytest.mark.parametrize(
    "payload",
    [
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    ],
)
def test_payloads_that_are_not_hashed_are_told(payload):
    class Streaming(S3SigV4Auth):
        def payload(self, request):
            return payload

    request = signed(Streaming, method="PUT", data=b"anything")
    assert sigv4.verify(request, SECRET, time.time()).payload == payload


@pytest.mark.parametrize(
    ("path", "query", "headers", "code"),
    [
        ("/", "", {}, ("MissingAuthenticationToken", 403)),
        ("/b/k", "", {}, ("AccessDenied", 403)),
        ("/", "", {"X-Amz-Target": "S.Op"}, ("MissingAuthenticationTokenException", 400)),
        ("/", "", {"Authorization": "Basic eDp5"}, ("IncompleteSignature", 400)),
        ("/", "", {"Authorization": "AWS4-HMAC-SHA256"}, ("IncompleteSignature", 400)),
        (
            "/b/k",
            "",
            {"Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20260102/r/s3/aws4_request"},
            ("AuthorizationHeaderMalformed", 400),
        ),
        ("/b/k", "X-Amz-Signature=0", {}, ("AuthorizationHeaderMalformed", 400)),
    ],
)
def test_what_is_missing_from_a_signature_is_told_as_aws_tells_it(path, query, headers, code):
    assert codes(refused(HttpRequest("GET", path, query, Headers(headers)))) == code


def test_an_unknown_key_is_told_as_aws_tells_it():
    for service, code in (("s3", "InvalidAccessKeyId"), ("iam", "InvalidClientTokenId")):
        request = signed(S3SigV4Auth, service=service)
        fault = sigv4.unknown_key(request, sigv4.find_credential(request))
        assert codes(fault) == (code, 403)


SCOPE = "a/20260101/r/s3/aws4_request"
PIECES = [
    "AWS4-HMAC-SHA256",
    "Credential=",
    SCOPE,
    "SignedHeaders=",
    "host",
    "Signature=",
    "0" * 64,
]


@settings(max_examples=150)
@given(
    authorization=st.binary(max_size=120)
    | st.lists(st.sampled_from([*PIECES, " ", ",", ";", "=", "\xff"]), max_size=12).map(
        lambda parts: "".join(parts).encode("latin-1")
    ),
    date=st.binary(max_size=20) | st.sampled_from([b"20260101T000000Z", b"20269999T999999Z"]),
    target=st.tuples(st.binary(max_size=30), st.binary(max_size=60)),
)
def test_arbitrary_requests_raise_nothing_but_faults(authorization, date, target):
    headers = [(b"authorization", authorization), (b"x-amz-date", date), (b"host", b"h")]
    refused(HttpRequest.received("GET", target, headers, b""), now=1767225600)
    query = (target[0], b"X-Amz-Credential=" + SCOPE.encode() + b"&" + target[1])
    refused(HttpRequest.received("GET", query, [(b"host", b"h")], b""), now=1767225600)


EXAMPLE_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE_SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"


def test_the_published_examples_hold():
    """Two of the worked examples of AWS, for a header and for a URL."""
    names = "host;range;x-amz-content-sha256;x-amz-date"
    signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    headers = {
        "Host": "examplebucket.s3.amazonaws.com",
        "Range": "bytes=0-9",
        "x-amz-content-sha256": canonical.EMPTY_SHA256,
        "x-amz-date": "20130524T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={EXAMPLE_SCOPE},SignedHeaders={names},"
        f"Signature={signature}",
    }
    request = HttpRequest("GET", "/test.txt", "", Headers(headers))
    assert sigv4.verify(request, EXAMPLE_KEY, 1369353600).signature == signature
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote(EXAMPLE_SCOPE, safe='')}"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    hosted = Headers({"Host": "examplebucket.s3.amazonaws.com"})
    presigned = HttpRequest("GET", "/test.txt", query, hosted)
    sigv4.verify(presigned, EXAMPLE_KEY, 1369353600 + 86399)


# Our own signatures


@given(
    path=ANY_TEXT, query=PARAMS, body=st.none() | st.binary(max_size=20),
    service=st.sampled_from(["s3", "jackbean"]), token=st.sampled_from([None, TOKEN]),
)  # fmt: skip
def test_what_we_sign_is_verified(path, query, body, service, token):
    signer = sigv4.Signer(KEY, SECRET, "local", service, token)
    plain = HttpRequest(
        "POST", "/" + quote(path), encoded(query), Headers({"Host": "h:1"}), body
    )  # fmt: skip
    sigv4.verify(sigv4.sign(signer, plain, 1e9), SECRET, 1e9, token=token)


def test_what_we_sign_is_what_botocore_signs():
    theirs = signed(S3SigV4Auth, method="PUT", path="/b/a%20b", query="x=1", data=b"body")
    signer = sigv4.Signer(KEY, SECRET, "local", "s3")
    names = {"host"}
    kept = [pair for pair in theirs.headers.pairs if pair[0] in names]
    now = time.mktime(time.strptime(theirs.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")) - time.timezone
    ours = sigv4.sign(signer, replace(theirs, headers=Headers(kept)), now)
    assert ours.headers["authorization"] == theirs.headers["authorization"]


@pytest.mark.parametrize("service", ["s3", "elasticbeanstalk"])
@pytest.mark.parametrize("token", [None, TOKEN])
def test_urls_that_we_presign_are_verified_when_plain_urllib_fetches_them(service, token):
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path, _, query = self.path.partition("?")
            headers = Headers(self.headers.items())
            received.append(HttpRequest("GET", path, query, headers, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    signer = sigv4.Signer(KEY, SECRET, "local", service, token)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/logs/a%20b+c?response-content-type=text/plain"
        with urllib.request.urlopen(sigv4.presign_url(signer, url, 1e9, 900), timeout=10) as got:
            assert got.status == 200
        server.shutdown()
        thread.join()
    (request,) = received
    assert sigv4.verify(request, SECRET, 1e9 + 899, token=token).credential.service == service
    assert refused(request, now=1e9 + 901, token=token).status == 403
    assert refused(replace(request, method="PUT"), now=1e9, token=token).status == 403


def test_a_presigned_url_has_no_default_port():
    signer = sigv4.Signer(KEY, SECRET, service="s3")
    url = sigv4.presign_url(signer, "http://EXAMPLE.com:80", 1e9, 60)
    assert url.startswith("http://example.com/?X-Amz-Algorithm=")
    with pytest.raises(ValueError, match="expires_s"):
        sigv4.presign_url(signer, "http://h/", 1e9, 604_801)
