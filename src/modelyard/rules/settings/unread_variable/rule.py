"""Variables that the engine does not read."""

from collections.abc import Iterator

from modelyard.catalog import engine, plugin_environment
from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest

PREFIX = "VLLM_"


@rule("settings/unread-variable", warning, since="0.1.0")
def unread_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A variable in the engine's own name that its version does not read changes nothing."""
    for model in environment.models:
        known = engine(model.engine, model.engine_version) if model.engine_version else None
        variables = model.container.value.get("env")
        for index, each in enumerate(variables if known and isinstance(variables, list) else ()):
            name = str(each.get("name") or "") if isinstance(each, dict) else ""
            if known is None or not name.startswith(PREFIX) or name in known.environment | plugin_environment():
                continue
            near = nearest(name, known.environment | plugin_environment())
            yield Finding(
                at=model.container.at("env", index, "name"),
                message=f"{model.container} sets {name}, which {known.name} {known.version} does not read",
                fix=f"write {near}, or remove it" if near else "remove it",
            )
