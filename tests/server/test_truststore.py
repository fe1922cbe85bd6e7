"""What Java trusts: the file that we write, read by Java itself."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import pytest

from jackbean.server.certificates import Authority, found
from jackbean.server.truststore import jks

KEYTOOL = shutil.which("keytool")


@pytest.fixture
def authority(tmp_path: Path) -> str:
    place = tmp_path / "authority.pem", tmp_path / "authority.key"
    found(*place)
    Authority(*place)
    return place[0].read_text()


def test_every_certificate_is_there_once_and_a_digest_over_all(authority: str) -> None:
    made = jks(f"of nobody\n{authority}\n{authority}")
    magic, version, count = struct.unpack(">III", made[:12])
    assert (magic, version, count) == (0xFEEDFEED, 2, 1)
    der = ssl.PEM_cert_to_DER_cert(authority)
    assert der in made
    seed = "changeit".encode("utf-16-be") + b"Mighty Aphrodite"
    assert made[-20:] == hashlib.sha1(seed + made[:-20]).digest()
    assert jks("") != made
    assert jks(authority) == made


@pytest.mark.skipif(KEYTOOL is None, reason="this machine has no Java")
@pytest.mark.parametrize("password", [[], ["-storepass", "changeit"]])
def test_java_reads_it(authority: str, tmp_path: Path, password: list[str]) -> None:
    file = tmp_path / "trusted.jks"
    file.write_bytes(jks(authority))
    argv = [str(KEYTOOL), "-list", "-v", "-storetype", "JKS", "-keystore", str(file), *password]
    told = subprocess.run(argv, input="\n", capture_output=True, text=True, check=False)
    assert "trustedCertEntry" in told.stdout, told
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority)).hexdigest()
    assert digest in told.stdout.replace(":", "").lower()
