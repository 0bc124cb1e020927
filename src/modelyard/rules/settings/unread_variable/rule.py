"""Variables that the engine does not read."""

from collections.abc import Iterator

from modelyard.catalog import engine, plugin_environment, removal
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.removed import in_its_place, went
from modelyard.rules.wording import nearest
from modelyard.view import Environment

PREFIX = "VLLM_"
OFF = ("0", "false")


@rule("settings/unread-variable", warning, since="0.1.0")
def unread_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A VLLM_ variable that this version of the engine does not read has no effect."""
    for model in environment.models:
        known = engine(model.engine.core, model.engine_version) if model.engine_version else None
        variables = model.container.value.get("env")
        for index, each in enumerate(variables if known and isinstance(variables, list) else ()):
            name = str(each.get("name") or "") if isinstance(each, dict) else ""
            if known is None or not name.startswith(PREFIX) or name in known.environment | plugin_environment():
                continue
            near = nearest(name, known.environment | plugin_environment())
            gone = removal(known.name, known.version, name)
            off = str(each.get("value")).lower() in OFF
            yield Finding(
                at=model.container.at("env", index, "name"),
                message=f"{model.container} sets {name}, which {known.name} {known.version} does not read" + went(gone),
                fix=in_its_place(gone, "env", off=off) or _remedy(near, gone=gone is not None),
            )


def _remedy(near: str, *, gone: bool) -> str:
    # What is spelt like a variable that is gone need not do what that did.
    if gone or not near:
        return "remove it"
    return f"write {near}, or remove it"
