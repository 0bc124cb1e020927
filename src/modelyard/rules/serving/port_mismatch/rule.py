"""Ports that are asked, and that the engine does not listen on."""

from collections.abc import Iterator

from modelyard.catalog import servers
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Caller, Environment, Listener, ServedModel, callers, listener, services_by_template

# vllm/entrypoints/cli/serve.py: such a process starts engines for an API server elsewhere.
_WITHOUT_API = "headless"


@rule("serving/port-mismatch", error, since="0.1.0")
def port_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If probes and Services use another port than the engine, the pod never becomes ready."""
    services = services_by_template(environment)
    for model in environment.models:
        server = listener(model)
        if server is None:
            yield from _on_a_socket(model, list(callers(model, services.get(model.template, []))))
            continue
        asking = list(callers(model, services.get(model.template, [])))
        wrong = [each for each in asking if each.port != server.port]
        if not wrong:
            continue
        ports = {each.port for each in wrong}
        if len(wrong) == len(asking) and len(ports) == 1 and server.port_at is not None:
            yield Finding(
                at=server.port_at,
                message=f"{model.name} listens on port {server.port}, but {_who(wrong)} port {ports.pop()}",
                fix=f"use {wrong[0].port}, or change the container's port and everything that calls it",
            )
            continue
        for key in dict.fromkeys(each.key for each in wrong):
            yield _finding(server, [each for each in wrong if each.key == key])


def _on_a_socket(model: ServedModel, asking: list[Caller]) -> Iterator[Finding]:
    server = servers().get(model.engine.server)
    flag = server.socket_flag if server is not None else ""
    if asking and model.settings.get(_WITHOUT_API):
        yield Finding(
            at=model.settings.at(_WITHOUT_API),
            message=f"{model.name} sets {_WITHOUT_API}, with which it serves no API, but {_who(asking)} port "
            f"{asking[0].port}",
            fix=f"remove {_WITHOUT_API}, which is for the other nodes of a group",
        )
    elif asking and flag and model.settings.get(flag):
        yield Finding(
            at=model.settings.at(flag),
            message=f"{model.name} listens only on the socket {model.settings[flag]}, but {_who(asking)} port "
            f"{asking[0].port}",
            fix=f"remove {flag}",
        )


def _finding(server: Listener, wrong: list[Caller]) -> Finding:
    return Finding(
        at=wrong[0].at,
        message=f"{_who(wrong)} port {wrong[0].port} of {server.model.name}, but {server.server.title} listens on "
        f"{server.port}",
        fix=f"write {server.port}",
    )


def _who(asking: list[Caller]) -> str:
    names = list(dict.fromkeys(each.name for each in asking))
    return f"{both(names)} {'uses' if len(names) == 1 else 'use'}"
