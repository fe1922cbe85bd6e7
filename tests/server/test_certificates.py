"""The authority: made once, kept apart, and good for AWS's names alone."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from jackbean.server.certificates import Authority, bundle
from jackbean.server.home import HomeError


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
    authority = Authority(tmp_path / "authority")
    assert shake(authority.context(), name, bundle(authority, None)) == name


def test_other_names_are_not_vouched_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    for name in ("example.com", "amazonaws.com.example.com", "amazonaws.com"):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(authority.context(), name, authority.pem)


def test_it_cannot_vouch_for_them_either(tmp_path: Path) -> None:
    """Whoever had its key could forge nothing outside of the domain it is constrained to."""
    authority = Authority(tmp_path / "authority")
    forged = authority._made("example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        shake(forged, "example.com", authority.pem)


def test_it_is_made_once_and_its_key_is_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    pem = Authority(folder).pem
    assert Authority(folder).pem == pem
    assert (folder / "authority.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "authority.pem").unlink()
    assert Authority(folder).pem != pem
    (folder / "authority.key").write_text("nonsense")
    with pytest.raises(HomeError, match="cannot be read"):
        Authority(folder)


def test_what_instances_trust_is_the_machines_and_ours(tmp_path: Path) -> None:
    machines = tmp_path / "machine.pem"
    machines.write_text("-----BEGIN CERTIFICATE-----\nof the machine\n-----END CERTIFICATE-----")
    authority = Authority(tmp_path / "authority")
    told = bundle(authority, machines)
    assert told.startswith(machines.read_text() + "\n")
    assert told.endswith(authority.pem)
