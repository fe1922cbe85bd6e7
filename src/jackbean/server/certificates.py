"""A certificate authority of this installation, for AWS's names and no others.

SDKs that know no endpoint speak TLS to names below amazonaws.com. Inside instances these lead here,
and instances trust this authority. Its certificate is constrained to that domain, so that whoever
got hold of its key could forge nothing else; the key stays in the data directory, for its owner.
Certificates of servers are made when somebody asks for their name, and live in memory only.
"""

from __future__ import annotations

import datetime
import re
import ssl
import tempfile
from collections import OrderedDict
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jackbean.server.home import HomeError, write_secret

DOMAIN = "amazonaws.com"
NAME = re.compile(rf"(?:[a-z0-9_](?:[a-z0-9_-]{{0,61}}[a-z0-9_])?\.){{1,8}}{re.escape(DOMAIN)}")
AUTHORITY_DAYS, SERVER_DAYS = 3650, 90
KEPT_MAX = 100  # names whose certificates are remembered
DEFAULT = f"aws.{DOMAIN}"
EARLIER = datetime.timedelta(days=1)  # clocks differ


class Authority:
    """Makes certificates for names below amazonaws.com."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._key, self._certificate = _loaded(certificate, key)
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    @property
    def pem(self) -> str:
        """The authority's own certificate, which is no secret."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def context(self) -> ssl.SSLContext:
        """Return what a server listens with: a client gets a certificate for the name it says."""
        context = self._made(DEFAULT)
        context.sni_callback = self._named
        return context

    def _named(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        wanted = (name or "").lower()
        if not NAME.fullmatch(wanted):
            return
        if wanted not in self._contexts:
            while len(self._contexts) >= KEPT_MAX:
                self._contexts.popitem(last=False)
            self._contexts[wanted] = self._made(wanted)
        self._contexts.move_to_end(wanted)
        connection.context = self._contexts[wanted]

    def _made(self, name: str) -> ssl.SSLContext:
        """Return a context with a new certificate for one name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        certificate = (
            _builder(subject, self._certificate.subject, key.public_key(), SERVER_DAYS)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return _context(_pem(key), certificate.public_bytes(Encoding.PEM).decode() + self.pem)


def found(certificate_file: Path, key_file: Path) -> None:
    """Make an authority: its key first, so that there is never a certificate without one."""
    certificate_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Jackbean, for its instances")])
    within = x509.NameConstraints([x509.DNSName(DOMAIN)], None)
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(within, critical=True)
        .add_extension(_signing(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_secret(key_file, _pem(key))
    write_secret(certificate_file, certificate.public_bytes(Encoding.PEM).decode())


def _loaded(certificate: Path, key: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    try:
        secret = load_pem_private_key(key.read_bytes(), None)
        public = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise HomeError(f"the authority {certificate} cannot be read: {error}") from error
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        raise HomeError(f"{key} is not what this program writes")
    return secret, public


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _signing() -> x509.KeyUsage:
    others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    more = ("key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, **dict.fromkeys((*others, *more), False)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _context(key: str, chain: str) -> ssl.SSLContext:
    """Return a server's context; the standard library takes certificates from files only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # only its owner may read it
        file.write(key + chain)
        file.flush()
        context.load_cert_chain(file.name)
    return context
