"""The Java SE platform: a JAR that is started as it is, or what a Procfile says."""

from __future__ import annotations

import shlex
from pathlib import Path

from jackbean.agent import bundle
from jackbean.agent.deployment import discard
from jackbean.agent.phases import Step, StepFailed
from jackbean.agent.run import Platform, Run
from jackbean.agent.runtime import PROVIDE
from jackbean.agent.startup import BUILD, generate_procfile, has_procfile, mispacked

PORT = 5_000
MANIFEST = "META-INF/MANIFEST.MF"
LONE = "application.jar"
MEMORY_MAX = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
UNLIMITED = 1 << 50
TRUSTED = "/opt/jackbean/certificates.jks"  # where AWS's names lead to the control plane


def keep_jar(run: Run) -> None:
    """Keep a bundle that is itself a JAR as one: JARs are never opened."""
    root = run.paths.staging
    if not (root / MANIFEST).is_file() or (root / "Procfile").is_file():
        return
    discard(run.paths, root)
    root.mkdir(mode=0o755)
    bundle.place(run.paths.bundle, root / LONE)
    run.log.info(f"The bundle is a JAR: it is {LONE}.")


def check_start(run: Run) -> None:
    """Take the bundle's Procfile, or start the only JAR that there is."""
    jars = sorted(path.name for path in run.paths.staging.glob("*.jar"))
    if has_procfile(run):
        return
    if not jars:
        raise StepFailed(_nothing(run.paths.staging))
    if len(jars) > 1:
        raise StepFailed(
            f"There are several JARs ({', '.join(jars[:5])}) and no Procfile that says which to "
            f"start. Add a Procfile with a line such as `web: java -jar {jars[0]}`."
        )
    run.tell("Instance deployment successfully detected a JAR file in your source bundle.")
    generate_procfile(run, f"java -jar {shlex.quote(jars[0])}")


def options(run: Run) -> dict[str, str]:
    """Have Java size its heap by the instance's memory, and trust whom the instance trusts.

    It does not see by itself what a control group allows, and takes a quarter of the real machine;
    and it reads certificates from a file of its own.
    """
    found = max(bytes_of(Path(name)) for name in MEMORY_MAX)
    told = [*([f"-XX:MaxRAM={found}"] if found else []), *trust()]
    return {"JAVA_TOOL_OPTIONS": " ".join(told)} if told else {}


def trust() -> list[str]:
    """Return the options by which Java trusts whom the instance trusts."""
    if not Path(TRUSTED).is_file():
        return []
    return [f"-Djavax.net.ssl.trustStore={TRUSTED}", "-Djavax.net.ssl.trustStoreType=JKS"]


def bytes_of(limit: Path) -> int:
    """Return the bytes that a control group's file allows; 0 where it says none."""
    try:
        said = limit.read_text().strip()
    except OSError:
        return 0
    return int(said) if said.isdecimal() and int(said) < UNLIMITED else 0


def _nothing(root: Path) -> str:
    for folder in ("target", "build/libs"):
        built = sorted((root / folder).glob("*.jar"))
        if built:
            where = built[0].relative_to(root)
            return (
                f"There is no Procfile, and no JAR at the top of the bundle. Add a Procfile with "
                f"the line `web: java -jar {where}`."
            )
    return (
        f"There is no Procfile and no JAR.{mispacked(root)} Put a runnable JAR at the top of "
        "the bundle, or a Procfile and a Buildfile that builds one."
    )


JAVA = Platform(
    family="java",
    port=PORT,
    tells_port=False,
    languages=("java",),
    variables=options,
    steps=(
        Step("look for a JAR", keep_jar, "The JAR cannot be kept."),
        PROVIDE,
        BUILD,
        Step("check Procfile", check_start, "The application cannot be started."),
    ),
)
