"""Values that a flag does not take."""

from collections.abc import Iterator

from modelyard.catalog import engine, engine_configs
from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import either, nearest
from modelyard.view import Environment, Setting

# Flags that take a member of an enumeration, and where the dataclasses hold the same.
_MEMBERS = {"attention-backend": ("AttentionConfig", "backend")}


@rule("settings/illegal-choice", error, since="0.1.0")
def illegal_choice(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up if a value is not one of the flag's choices."""
    for model in environment.models:
        known = engine(model.engine.core, model.engine_version) if model.engine_version else None
        configs = engine_configs(model.engine.core, model.engine_version) if model.engine_version else None
        for setting in model.settings.settings.values() if known else ():
            flag = known.flag(f"--{setting.name}") if known else None
            choices = [str(each) for each in flag.choices] if flag else []
            values = setting.value if isinstance(setting.value, list) else [setting.value]
            wrong = [str(each) for each in values if str(each) not in choices]
            named = _MEMBERS.get(setting.name)
            if named is not None and not choices and configs is not None and isinstance(setting.value, str):
                field = configs.fields.get(named[0], {}).get(named[1])
                if field is not None and field.choices and setting.value.upper() not in field.choices:
                    shown = f"{model.engine.core} {model.engine_version}"
                    yield from _unlisted(model.name, setting, list(field.choices), shown)
            if flag is not None and flag.known and not choices:
                yield from _unlisted(
                    model.name,
                    setting,
                    [str(each) for each in flag.known],
                    f"{known.name} {known.version}" if known else "",
                )
            if flag is None or known is None or not choices or not wrong or isinstance(setting.value, bool | dict):
                continue
            near = nearest(wrong[0], choices)
            yield Finding(
                at=setting.at,
                message=f"{model.name} sets {setting.name} to {wrong[0]}, which {known.name} {known.version} "
                "does not accept",
                fix=f"write {near}" if near else f"write {either(choices[:12])}",
            )


def _unlisted(name: str, setting: Setting, known: list[str], engine_named: str) -> Iterator[Finding]:
    """Yield a value that the engine does not list; a plugin may bring it, and a path names a class of one's own."""
    value = str(setting.value)
    if isinstance(setting.value, str) and value not in known and "." not in value:
        near = nearest(value, known)
        yield Finding(
            at=setting.at,
            message=f"{name} sets {setting.name} to {value}, which is not a choice of {engine_named}",
            fix=f"write {near}" if near else f"write {either(known[:12])}",
            severity=warning,
        )
