"""Models that answer to another name than their Service's."""

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel, entries, text

_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_LABEL = re.compile(r"metadata\.labels\['([^']+)'\]")


@rule("serving/served-name-mismatch", warning, since="0.1.0")
def served_name_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A caller that finds a model by its Service asks for it by the same name, and gets 404 for another."""
    for model in environment.models:
        written = model.settings.get("served-model-name")
        if written is None:
            continue
        names = [_resolved(str(each), model) for each in (written if isinstance(written, list) else [written])]
        services = sorted(
            service.name
            for service in environment.services
            if service.manifest.application == model.application.name and model.template in service.pods
        )
        if services and None not in names and not set(services) & set(names):
            yield Finding(
                at=model.settings.at("served-model-name"),
                message=f"{model.name} answers to the name {names[0]}, and its Service is called {services[0]}",
                fix=f"--served-model-name={services[0]}, or both names",
            )


def _resolved(name: str, model: ServedModel) -> str | None:
    """Return a name with `$(VARIABLE)` filled in from the container's variables; None where one is not known."""
    values = {text(each, "name"): each for each in entries(model.container.value, "env")}

    def value(variable: str) -> str | None:
        return _value(values.get(variable) or {}, model)

    found = {variable: value(variable) for variable in _VARIABLE.findall(name)}
    if None in found.values():
        return None
    return _VARIABLE.sub(lambda match: str(found[match[1]]), name)


def _value(variable: dict[str, Any], model: ServedModel) -> str | None:
    if "value" in variable:
        return str(variable["value"])
    source = variable.get("valueFrom")
    field = source.get("fieldRef") if isinstance(source, dict) else None
    path = str(field.get("fieldPath") or "") if isinstance(field, dict) else ""
    label = _LABEL.fullmatch(path)
    if label is None:
        return None
    found = model.template.labels.get(label[1])
    return None if found is None else str(found)
