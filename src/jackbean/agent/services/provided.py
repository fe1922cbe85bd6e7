"""What packages bring, so that one can tell whether a machine has them.

Names are those of Amazon Linux and of Debian. A mark is a program, or the pattern of a path; if any
of a package's marks is there, so is the package. A package without an entry is taken for a program
of its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jackbean.agent import environment


class Known(NamedTuple):
    """`debian` is what the package is called there."""

    debian: str
    marks: tuple[str, ...]


def _programs(debian: str, *names: str) -> Known:
    return Known(debian, names)


def _library(debian: str, file: str) -> Known:
    return Known(debian, (f"/usr/lib*/{file}", f"/usr/lib*/*/{file}"))


def _header(debian: str, file: str) -> Known:
    return Known(debian, (f"/usr/include/{file}", f"/usr/include/*/{file}"))


PACKAGES: Mapping[str, Known] = {
    "ImageMagick": _programs("imagemagick", "convert", "magick"),
    "ImageMagick-devel": Known("libmagickwand-dev", ("/usr/include/ImageMagick*/*",)),
    "amazon-cloudwatch-agent": Known("", ("/opt/aws/amazon-cloudwatch-agent/bin/*",)),
    "amazon-efs-utils": _programs("amazon-efs-utils", "mount.efs"),
    "awslogs": _programs("", "awslogs"),
    "bind-utils": _programs("dnsutils", "dig"),
    "bzip2-devel": Known("libbz2-dev", ("/usr/include/bzlib.h",)),
    "ca-certificates": Known("ca-certificates", ("/etc/ssl/certs/*", "/etc/pki/tls/certs/*")),
    "cairo": _library("libcairo2", "libcairo.so.2"),
    "cronie": Known("cron", ("/etc/cron.d",)),
    "cron": Known("cron", ("/etc/cron.d",)),
    "cyrus-sasl-devel": Known("libsasl2-dev", ("/usr/include/sasl/sasl.h",)),
    "expat-devel": Known("libexpat1-dev", ("/usr/include/expat.h",)),
    "ffmpeg": _programs("ffmpeg", "ffmpeg"),
    "fontconfig": _programs("fontconfig", "fc-list"),
    "freetype-devel": Known("libfreetype-dev", ("/usr/include/freetype2/*",)),
    "gcc": _programs("gcc", "gcc", "cc"),
    "gcc-c++": _programs("g++", "g++", "c++"),
    "g++": _programs("g++", "g++"),
    "gdk-pixbuf2": _library("libgdk-pixbuf-2.0-0", "libgdk_pixbuf-2.0.so.0"),
    "geos": _library("libgeos-c1v5", "libgeos_c.so.1"),
    "gettext": _programs("gettext", "msgfmt", "gettext"),
    "git": _programs("git", "git"),
    "gmp-devel": _header("libgmp-dev", "gmp.h"),
    "htop": _programs("htop", "htop"),
    "httpd-tools": _programs("apache2-utils", "ab"),
    "java-17-amazon-corretto": _programs("openjdk-17-jre-headless", "java"),
    "jq": _programs("jq", "jq"),
    "libcurl-devel": _header("libcurl4-openssl-dev", "curl/curl.h"),
    "libffi-devel": _header("libffi-dev", "ffi.h"),
    "libicu": _library("libicu-dev", "libicuuc.so*"),
    "libjpeg-turbo-devel": Known("libjpeg-dev", ("/usr/include/jpeglib.h",)),
    "libpng-devel": Known("libpng-dev", ("/usr/include/png.h", "/usr/include/libpng*/*")),
    "libpq-devel": Known("libpq-dev", ("/usr/include/postgresql/libpq-fe.h", "pg_config")),
    "libtool-ltdl": _library("libltdl7", "libltdl.so.7"),
    "libwebp-devel": Known("libwebp-dev", ("/usr/include/webp/decode.h",)),
    "libxml2-devel": Known("libxml2-dev", ("/usr/include/libxml2/*",)),
    "libxslt-devel": Known("libxslt1-dev", ("/usr/include/libxslt/*",)),
    "libyaml-devel": Known("libyaml-dev", ("/usr/include/yaml.h",)),
    "make": _programs("make", "make"),
    "mariadb-connector-c-devel": Known("libmariadb-dev", ("/usr/include/mariadb/mysql.h",)),
    "mariadb105": _programs("mariadb-client", "mysql", "mariadb"),
    "mariadb105-devel": Known("libmariadb-dev", ("/usr/include/mariadb/mysql.h",)),
    "memcached": _programs("memcached", "memcached"),
    "mysql": _programs("mariadb-client", "mysql"),
    "mysql-devel": Known("libmariadb-dev", ("/usr/include/mariadb/mysql.h",)),
    "nc": _programs("netcat-openbsd", "nc"),
    "nfs-utils": _programs("nfs-common", "mount.nfs4"),
    "nmap-ncat": _programs("ncat", "ncat", "nc"),
    "openssl": _programs("openssl", "openssl"),
    "openssl-devel": Known("libssl-dev", ("/usr/include/openssl/ssl.h",)),
    "pango": _library("libpango-1.0-0", "libpango-1.0.so.0"),
    "patch": _programs("patch", "patch"),
    "perl": _programs("perl", "perl"),
    "pkgconfig": _programs("pkg-config", "pkg-config"),
    "poppler-utils": _programs("poppler-utils", "pdftotext"),
    "postgresql": _programs("postgresql-client", "psql"),
    "postgresql-devel": Known("libpq-dev", ("/usr/include/postgresql/libpq-fe.h", "pg_config")),
    "postgresql15": _programs("postgresql-client", "psql"),
    "postgresql15-devel": Known("libpq-dev", ("/usr/include/postgresql/libpq-fe.h",)),
    "postgresql16": _programs("postgresql-client", "psql"),
    "procps-ng": _programs("procps", "ps"),
    "python3-devel": Known("python3-dev", ("/usr/include/python3*/Python.h",)),
    "python3-pip": _programs("python3-pip", "pip3", "pip"),
    "readline-devel": Known("libreadline-dev", ("/usr/include/readline/readline.h",)),
    "redis": _programs("redis-server", "redis-server"),
    "redis6": _programs("redis-server", "redis-server"),
    "ruby-devel": Known("ruby-dev", ("/usr/include/ruby*/ruby.h",)),
    "shared-mime-info": _programs("shared-mime-info", "update-mime-database"),
    "sqlite-devel": Known("libsqlite3-dev", ("/usr/include/sqlite3.h",)),
    "supervisor": _programs("supervisor", "supervisord"),
    "tar": _programs("tar", "tar"),
    "unixODBC-devel": Known("unixodbc-dev", ("/usr/include/sql.h",)),
    "unzip": _programs("unzip", "unzip"),
    "vim-enhanced": _programs("vim", "vim"),
    "wget": _programs("wget", "wget"),
    "which": _programs("debianutils", "which"),
    "xmlsec1": _programs("xmlsec1", "xmlsec1"),
    "xz-devel": Known("liblzma-dev", ("/usr/include/lzma.h",)),
    "zip": _programs("zip", "zip"),
    "zlib-devel": Known("zlib1g-dev", ("/usr/include/zlib.h",)),
}
DEBIAN: Mapping[str, Known] = {known.debian: known for known in PACKAGES.values() if known.debian}
# Only libraries and headers; whatever else begins like these is no program of its name.
NO_PROGRAM = ("lib", "perl-", "php-", "python3-", "ruby-")
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def present(name: str) -> bool:
    """Tell if the machine has what a package brings."""
    return any(_there(mark) for mark in _known(name).marks)


def _known(name: str) -> Known:
    found = PACKAGES.get(name) or DEBIAN.get(name)
    if found:
        return found
    if not PLAIN_NAME.fullmatch(name):
        return Known("", ())
    program = () if name.startswith(NO_PROGRAM) or name.endswith(("-devel", "-dev")) else (name,)
    library = (f"/usr/lib*/{name}.so*", f"/usr/lib*/*/{name}.so*") if program == () else ()
    return Known("", (*program, *library))


def _there(mark: str) -> bool:
    import shutil  # noqa: PLC0415 - 10 ms that nobody else has to wait for

    if not mark.startswith("/"):
        return shutil.which(mark, path=environment.SYSTEM_PATH) is not None
    return next(Path("/").glob(mark[1:]), None) is not None


def advice(names: list[str]) -> str:
    """Return what to do so that a machine has packages."""
    if not Path("/etc/debian_version").exists():
        return f"dnf install {' '.join(names)}"
    debian = [_known(name).debian or name for name in names]
    return f"apt install {' '.join(dict.fromkeys(debian))}"
