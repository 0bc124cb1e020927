"""Models that answer to another name than their Service's."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@rule("serving/served-name-mismatch", warning, since="0.1.0")
def served_name_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Callers use the Service's name as the model's name, and get 404 if the engine serves another name."""
    for model in environment.models:
        written = model.settings.get("served-model-name")
        if written is None:
            continue
        names = [str(each) for each in (written if isinstance(written, list) else [written])]
        if model.settings.settings["served-model-name"].source != "file" and any(map(_VARIABLE.search, names)):
            continue  # a variable that only the running container knows; in a file it is a text like any other
        services = sorted(
            service.name
            for service in environment.services
            if service.manifest.application == model.application.name and model.template in service.pods
        )
        if services and not set(services) & set(names):
            yield Finding(
                at=model.settings.at("served-model-name"),
                message=f"{model.name} is served as {names[0]}, but its Service is named {services[0]}",
                fix=f"set --served-model-name={services[0]}, or list both names",
            )
