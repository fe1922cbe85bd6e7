"""`services`: enabled, running, and started anew where something that they watch has changed."""

from __future__ import annotations

from jackbean.agent.extensions.bench import Bench
from jackbean.agent.phases import ENGINE_LOG, StepFailed
from jackbean.agent.services.keeping import UNKNOWN, Outcome, Services
from jackbean.core.instructions import Extension, Service


def see_to_all(bench: Bench, extension: Extension) -> None:
    """Bring every service of a config file into the state that it asks for."""
    services = bench.run.host.services
    for service in extension.services:
        for verb in _verbs(bench, services, service):
            outcome = services.act(verb, service.name)
            bench.journal.info(f"Service {service.name}: {verb}: {outcome.text}")
            if outcome.code:
                _complain(bench, extension.name, service, outcome)
                break


def _verbs(bench: Bench, services: Services, service: Service) -> list[str]:
    verbs = []
    if service.enabled is not None:
        verbs.append("enable" if service.enabled else "disable")
    if service.running is False:
        verbs.append("stop")
    elif service.running:
        anew = _changed(bench, service) and services.active(service.name)
        verbs.append("restart" if anew else "start")
    return verbs


def _changed(bench: Bench, service: Service) -> bool:
    """Tell if anything that a service watches has been changed in this deployment."""
    changed = bench.changed
    packages = {f"{m}/{name}" for m, names in service.packages.items() for name in names}
    return not (
        changed["files"].isdisjoint(service.files)
        and changed["sources"].isdisjoint(service.sources)
        and changed["commands"].isdisjoint(service.commands)
        and changed["packages"].isdisjoint(packages)
    )


def _complain(bench: Bench, file: str, service: Service, outcome: Outcome) -> None:
    """Tell of a service that nobody knows; fail where a known one does not start."""
    if outcome.code != UNKNOWN:
        raise StepFailed(f"service {service.name}: {outcome.text}.", ENGINE_LOG, outcome.text)
    bench.notice(
        f"{file}: services: {service.name}: passed over, since there is no such service on an "
        "instance. A unit file in /etc/systemd/system (key `files`) makes one."
    )
