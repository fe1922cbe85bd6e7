"""The Tomcat platform: one WAR at the top of the site, or several WARs each under its name.

Tomcat's programs are the machine's, its directory is the release's own. Environment properties
reach the application as system properties, through a file: a list of processes shows none of them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from jackbean.agent import environment, java, webapps
from jackbean.agent.phases import Step, StepFailed
from jackbean.agent.run import Platform, Run
from jackbean.agent.runtime import PROVIDE, give, language
from jackbean.agent.startup import BUILD, mispacked, write_own

PORT = 8_080
JVM = "aws:elasticbeanstalk:container:tomcat:jvmoptions"
HEAP = "256m"
UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
ENDLESS = 1 << 60
WARS_MAX = 50
RETIRED = "XX:MaxPermSize"  # Java does not know it any more
COPIED = ("web.xml", "catalina.properties")
JARS = '"${catalina.home}/lib/*.jar"'
SCANNED = "tomcat.util.scan.StandardJarScanFilter.jarsToSkip=\\\n"
# Debian keeps the compiler of JSPs beside its other JARs, and calls Tomcat's own by other names: to
# look through those for tag libraries takes seconds and finds none.
CHANGES = (
    (JARS, f'{JARS},"${{catalina.home}}/../java/eclipse-jdt-core.jar"'),
    (SCANNED, f"{SCANNED}tomcat*-*.jar,eclipse-jdt-core*.jar,\\\n"),
)

SERVER = """\
<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1" shutdown="SHUTDOWN">
  <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener"/>
  <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener"/>
  <Service name="Catalina">
    <Connector port="{port}" address="{address}" protocol="HTTP/1.1" connectionTimeout="20000"
               URIEncoding="UTF-8" bindOnInit="false"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Valve className="org.apache.catalina.valves.RemoteIpValve"
             protocolHeader="X-Forwarded-Proto"/>
      <Host name="localhost" appBase="webapps" unpackWARs="true" autoDeploy="false"
            deployOnStartup="false">
{contexts}      </Host>
    </Engine>
  </Service>
</Server>
"""
LOGGING = """\
handlers = java.util.logging.ConsoleHandler
.handlers = java.util.logging.ConsoleHandler
java.util.logging.ConsoleHandler.level = INFO
java.util.logging.ConsoleHandler.formatter = org.apache.juli.OneLineFormatter
"""


def set_up(run: Run) -> None:
    """Make Tomcat's directory of this release, and say how it is started."""
    contexts = applications(run.paths.staging)
    for place in contexts.values():
        webapps.check(run, run.paths.staging / place)
    base, home = run.runtime / "tomcat", language(run, "tomcat").home
    for name in ("conf", "temp", "work", "webapps", "logs", "lib"):
        (base / name).mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        (base / "conf" / name).write_text(_configuration(home, name))
    (base / "conf/logging.properties").write_text(LOGGING)
    (base / "conf/server.xml").write_text(server(run, contexts))
    (run.runtime / "jvm.args").write_text(arguments_file(arguments(run, home, base)))
    give(run, base)
    give(run, run.runtime / "jvm.args")
    (run.runtime / "jvm.args").chmod(0o600)
    write_own(run, f"web: java @{shlex.quote(str(run.runtime / 'jvm.args'))}")


def applications(root: Path) -> dict[str, str]:
    """Return what is served: a path of URLs ("" is the top) to a place in the bundle."""
    wars = sorted(path.name for path in root.glob("*.war"))[:WARS_MAX]
    if (root / "WEB-INF").is_dir() or not wars:
        if not (root / "WEB-INF").is_dir() and not any(root.glob("*.[jh][st]*")):
            raise StepFailed(
                f"The bundle is no web application: it has neither WEB-INF nor WARs."
                f"{mispacked(root)} Deploy a WAR, or a ZIP with WARs at its top."
            )
        return {"": ""}
    if len(wars) == 1:
        return {"": wars[0]}
    named = {name: f"/{name.removesuffix('.war').replace('#', '/')}" for name in wars}
    return {"" if path == "/ROOT" else path: name for name, path in named.items()}


def server(run: Run, contexts: Mapping[str, str]) -> str:
    from xml.sax.saxutils import quoteattr  # noqa: PLC0415 - 60 ms: it brings http.client

    current = run.paths.current
    lines = [
        f"        <Context path={quoteattr(path)} docBase={quoteattr(str(current / place))}/>\n"
        for path, place in sorted(contexts.items())
    ]
    return SERVER.format(port=run.port, address=run.address, contexts="".join(lines))


def _configuration(home: Path, name: str) -> str:
    """Return a file of Tomcat's own configuration, wherever its package keeps that."""
    places = (home / "skel/conf", home / "etc", home / "conf", Path(f"/etc/{home.name}"))
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        raise StepFailed(f"Tomcat's {name} is not on this machine: apt install {home.name}-user.")
    text = found.read_text(encoding="utf-8", errors="replace")
    for before, after in CHANGES:
        text = text.replace(before, after)
    return text


def arguments(run: Run, home: Path, base: Path) -> list[str]:
    """Return what Java is told, the bundle's options before what we need."""
    options = run.manifest.options.get(JVM, {})
    jars = ":".join(str(home / "bin" / name) for name in ("bootstrap.jar", "tomcat-juli.jar"))
    properties = environment.properties(run.manifest)
    return [
        *java.trust(),
        *jvm_options(options, run),
        *(f"-D{name}={value}" for name, value in sorted(properties.items())),
        "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
        f"-Djava.util.logging.config.file={base}/conf/logging.properties",
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "--add-opens=java.base/java.io=ALL-UNNAMED",
        "--add-opens=java.base/java.util=ALL-UNNAMED",
        f"-Dcatalina.home={home}",
        f"-Dcatalina.base={base}",
        f"-Djava.io.tmpdir={base}/temp",
        "-classpath",
        jars,
        "org.apache.catalina.startup.Bootstrap",
        "start",
    ]


def jvm_options(options: Mapping[str, str], run: Run | None = None) -> list[str]:
    """Return the settings of the namespace as Java takes them."""
    most = options.get("Xmx") or HEAP
    least = options.get("Xms") or HEAP
    if least == HEAP:  # nobody has chosen it, and Java refuses to begin with more than it may have
        least = min(HEAP, most, key=heap_bytes)
    told = [f"-Xms{least}", f"-Xmx{most}"]
    try:
        told += shlex.split(options.get("JVM Options") or "")
    except ValueError as error:
        raise StepFailed(f"Option 'JVM Options' cannot be read: {error}.") from None
    for name, value in sorted(options.items()):
        if name in ("Xms", "Xmx", "JVM Options") or not value:
            continue
        if name == RETIRED:
            if run:
                run.warn(
                    f"JVM option {RETIRED} is not known to this version of Java; it is left out."
                )
            continue
        told.append(_option(name.removeprefix("-"), value))
    return told


def heap_bytes(size: str) -> int:
    """Return what a size such as 256m is; one that is none counts as endless."""
    found = re.fullmatch(r"(\d{1,12})([kmgt]?)", size.strip().lower())
    return int(found[1]) << UNITS[found[2]] if found else ENDLESS


def _option(name: str, value: str) -> str:
    if name.startswith(("XX:", "D")):
        return f"-{name}={value}"
    return f"-{name}{value}"


def arguments_file(arguments: Iterable[str]) -> str:
    """Return arguments as `java @FILE` reads them: quoted, one a line."""
    return "".join(f'"{_escaped(argument)}"\n' for argument in arguments)


def _escaped(text: str) -> str:
    pairs = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
    for plain, escaped in pairs:
        text = text.replace(plain, escaped)
    return text


TOMCAT = Platform(
    family="tomcat",
    port=PORT,
    languages=("java", "tomcat"),
    own_processes=True,
    steps=(
        PROVIDE,
        BUILD,
        Step("configure Tomcat", set_up, "The application cannot be started."),
    ),
)
