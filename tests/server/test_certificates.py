"""The authority: made once, kept apart, and good for AWS's names alone."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jackbean.server import inner
from jackbean.server.certificates import Authority, found
from jackbean.server.home import HomeError, Serving
from jackbean.server.options import ServeOptions
from jackbean.server.truststore import jks


def made(folder: Path) -> Authority:
    files = (folder / "authority.pem", folder / "authority.key")
    if not folder.exists():
        found(*files)
    return Authority(*files)


def shake(server_context: ssl.SSLContext, name: str, trusted: str) -> str:
    """Let a client that trusts `trusted` ask for a name; return whom it believes to speak with."""
    outer, inner = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.create_default_context(cadata=trusted)
    client = client_context.wrap_bio(outer, inner, server_hostname=name)
    server = server_context.wrap_bio(inner, outer, server_side=True)
    for _ in range(4):
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    found = client.getpeercert()
    assert found is not None
    return str(dict(pair[0] for pair in found["subject"])["commonName"])


@pytest.mark.parametrize(
    "name", ["sqs.us-east-1.amazonaws.com", "my.bucket.s3.eu-west-1.amazonaws.com"]
)
def test_a_client_gets_the_name_it_asked_for(tmp_path: Path, name: str) -> None:
    authority = made(tmp_path / "authority")
    assert shake(authority.context(), name, authority.pem) == name


def test_other_names_are_not_vouched_for(tmp_path: Path) -> None:
    authority = made(tmp_path / "authority")
    for name in ("example.com", "amazonaws.com.example.com", "amazonaws.com"):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(authority.context(), name, authority.pem)


def test_it_cannot_vouch_for_them_either(tmp_path: Path) -> None:
    """Whoever had its key could forge nothing outside of the domain it is constrained to."""
    authority = made(tmp_path / "authority")
    forged = authority._made("example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        shake(forged, "example.com", authority.pem)


def test_its_key_is_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    pem = made(folder).pem
    assert made(folder).pem == pem
    assert (folder / "authority.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "authority.key").write_text("nonsense")
    with pytest.raises(HomeError, match="cannot be read"):
        made(folder)


def test_what_instances_trust_is_the_machines_and_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authority is made once, and named by what instances are shown."""
    machines = tmp_path / "machine.pem"
    machines.write_text("of the machine\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(machines))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    options = ServeOptions(tmp_path / "data", engine="root")
    serving = Serving(1, "", "127.0.0.1", 8700, 7080, "eu-north-1")
    first = inner.described(options, serving)
    if first.certificates is None:
        pytest.skip("somebody has port 443 of this machine")
    told = first.certificates.read_text()
    assert told.startswith("of the machine\n-----BEGIN CERTIFICATE-----")
    assert inner.described(options, serving) == first
    assert first.certificates.read_text() == told
    assert first.certificates.with_suffix(".jks").read_bytes() == jks(told)
    assert shake(inner.context(first), "sts.amazonaws.com", told.partition("\n")[2])
    for other in ("user", "plain"):
        assert inner.described(replace(options, engine=other), serving).certificates is None
