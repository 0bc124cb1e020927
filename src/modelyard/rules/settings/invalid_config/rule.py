"""JSON flags whose keys and values the engine does not take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modelyard.catalog import ConfigField, EngineConfigs, engine_configs
from modelyard.findings import Address, Finding, NotChecked, error, warning
from modelyard.repository import FileAddress
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.wording import both, either, nearest
from modelyard.view import Environment, ServedModel, Setting

# Of these the number is in no draft model's configuration.
_COUNTED = ("draft_model", "eagle", "eagle3", "medusa", "ngram", "ngram_gpu")
# These draft with a model of their own, which nothing else names.
_WITH_MODEL = ("draft_model", "eagle", "eagle3", "medusa", "mlp_speculator")
# Where positions are told, and the keys that each type needs: modeling_rope_utils.py of transformers.
_POSITIONS = ("rope_scaling", "rope_parameters")
_STRETCHED = {
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "longrope": ("short_factor", "long_factor"),
    "llama3": ("factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor"),
}
_EXPECTED = {
    "boolean": "true or false",
    "int": "a whole number",
    "float": "a number",
    "list": "a list",
    "json": "a mapping",
    "string": "a text",
    "name": "a name",
}
_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
_TRUTH = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"})


@rule("settings/invalid-config", error, since="0.1.0")
def invalid_config(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up on a JSON flag with an unknown key or an invalid value."""
    for model in environment.models:
        known = engine_configs(model.engine.core, model.engine_version) if model.engine_version else None
        if known is None:
            is_file = (
                model.engine_version or ""
            ) in model.engine.settings_keys  # no flags: settings/unknown-flag reads it
            if not is_file and any(_content(each) for each in model.settings.settings.values()):
                release = f"{model.engine.core} {model.engine_version or ''}".strip()
                yield NotChecked(model, f"keys of JSON flags of {release} are not in the catalogue")
            continue
        yield from _positions(model)
        for setting in model.settings.settings.values():
            flag, _, key = setting.name.partition(".")
            config = known.flags.get(flag)
            if config is None:
                continue
            value = _content(setting)
            if key:
                value, config = {key.split(".")[0].replace("-", "_"): _of_dotted(key, setting.value)}, config
            if isinstance(value, dict):
                yield from _judge(model, known, config, value, _Place(setting, bool(key)), flag)


def _positions(model: ServedModel) -> Iterator[Finding]:
    """Yield positions that are stretched without what stretching them asks for."""
    for setting in model.settings.settings.values():
        flag, _, key = setting.name.partition(".")
        if flag != "hf-overrides":
            continue
        content = _of_dotted(key, setting.value) if key else None
        value = {key.split(".")[0].replace("-", "_"): content} if key else _content(setting)
        for name in _POSITIONS:
            asked = value.get(name) if isinstance(value, dict) else None
            kind = asked.get("rope_type", asked.get("type")) if isinstance(asked, dict) else None
            lacking = [each for each in _STRETCHED.get(str(kind), ()) if isinstance(asked, dict) and each not in asked]
            if lacking and not key:
                yield Finding(
                    at=_Place(setting, dotted=False).below(name).at(key=True),
                    message=f"{model.name} sets {name} of type {kind} in hf-overrides without {both(lacking)}",
                    fix=f"add {both(lacking)}, as the model's card says, or remove {name}",
                )


class _Place:
    """Where the keys of a setting are written."""

    def __init__(self, setting: Setting, dotted: bool, path: tuple[str, ...] = ()) -> None:
        self.setting, self.dotted, self.path = setting, dotted, path

    def below(self, key: str) -> _Place:
        return _Place(self.setting, self.dotted, (*self.path, key))

    def at(self, *, key: bool = False) -> Address:
        at = self.setting.at
        if self.dotted or not isinstance(at, FileAddress) or isinstance(self.setting.value, str):
            return at
        return replace(at, path=(*at.path, *self.path), key=key)


def _content(setting: Setting) -> Any:
    if isinstance(setting.value, dict):
        return setting.value
    if not isinstance(setting.value, str) or not setting.value.lstrip().startswith("{"):
        return None
    try:
        return parsed(setting.value)
    except MalformedJSON:
        return None  # settings/wrong-type says so


def _of_dotted(key: str, value: Any) -> Any:
    for step in reversed(key.split(".")[1:]):
        value = {step.replace("-", "_"): value}
    return value


def _judge(
    model: ServedModel, known: EngineConfigs, config: str, value: dict[str, Any], place: _Place, flag: str
) -> Iterator[Finding | NotChecked]:
    fields = known.fields.get(config, {})
    version = f"{model.engine.core} {model.engine_version}"
    for key, content in value.items():
        name, here = str(key), place.below(str(key))
        field = fields.get(name)
        if field is None:
            near = nearest(name.replace("-", "_"), fields)
            yield Finding(
                at=here.at(key=True),
                message=f"{model.name} sets {name} in {flag}, which {version} does not know",
                fix=f"write {near}, or remove it" if near else "remove it",
            )
        elif content is not None and "$(" not in str(content):
            if field.config and isinstance(content, dict):
                yield from _judge(model, known, field.config, content, here, flag)
                continue
            if field.known and isinstance(content, str) and content not in field.known:
                yield from _unlisted(model, name, content, field, value, here, flag)
                continue
            expected, fix = _expected(field, content)
            if expected:
                yield Finding(
                    at=here.at(),
                    message=f"{model.name} sets {name} in {flag} to {content!r}, where {version} expects {expected}",
                    fix=fix,
                )
    yield from _relations(model, config, value, place)


def _unlisted(
    model: ServedModel, name: str, content: str, field: ConfigField, beside: dict[str, Any], place: _Place, flag: str
) -> Iterator[Finding]:
    """Yield a value that the engine does not list, where nothing beside it says where it comes from."""
    if "." in content or beside.get(f"{name}_module_path"):
        return
    near = nearest(content, field.known)
    yield Finding(
        at=place.at(),
        message=f"{model.name} sets {name} in {flag} to {content}, which {model.engine.core} {model.engine_version} "
        "does not list",
        fix=f"write {near}" if near else f"write {either(field.known[:8])}",
        severity=warning,
    )


def _relations(model: ServedModel, config: str, value: dict[str, Any], place: _Place) -> Iterator[Finding | NotChecked]:
    if place.dotted or place.path:
        return
    if config == "SpeculativeConfig" and value.get("num_speculative_tokens") is None:
        method = value.get("method")
        if method in _COUNTED:
            yield Finding(
                at=place.at(key=True),
                message=f"{model.name} uses speculative decoding ({method}) without num_speculative_tokens",
                fix="add num_speculative_tokens, such as 3",
            )
        elif method != "suffix":
            yield NotChecked(model, "num_speculative_tokens is not set; the draft model's configuration may set it")
    if config == "SpeculativeConfig":
        yield from _drafts(model, value, place)
    if config == "KVTransferConfig" and value.get("kv_connector") and value.get("kv_role") is None:
        yield Finding(
            at=place.at(key=True),
            message=f"{model.name} uses the connector {value['kv_connector']} without kv_role",
            fix="add kv_role: kv_producer, kv_consumer or kv_both",
        )


def _drafts(model: ServedModel, value: dict[str, Any], place: _Place) -> Iterator[Finding]:
    """Yield keys of speculative decoding that contradict each other: vllm/config/speculative.py, 0.16.0 and 0.33.0."""
    least, most = value.get("prompt_lookup_min"), value.get("prompt_lookup_max")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield Finding(
            at=place.below("prompt_lookup_min").at(),
            message=f"{model.name} sets prompt_lookup_min to {least}, more than prompt_lookup_max ({most})",
            fix="lower prompt_lookup_min",
        )
    if value.get("tensor_parallel_size") is not None:
        yield Finding(
            at=place.below("tensor_parallel_size").at(key=True),
            message=f"{model.name} sets tensor_parallel_size in speculative-config, which vLLM refuses there",
            fix="write draft_tensor_parallel_size",
        )
    ranks, drafting = model.settings.tensor_parallel_size, value.get("draft_tensor_parallel_size")
    if isinstance(drafting, int) and drafting not in (1, ranks):
        yield Finding(
            at=place.below("draft_tensor_parallel_size").at(),
            message=f"{model.name} drafts on {drafting} ranks, 1 or tensor-parallel-size ({ranks}) is expected",
            fix=f"write 1 or {ranks}" if ranks > 1 else "write 1, or remove it",
        )
    if value.get("method") in _WITH_MODEL and not value.get("model"):
        yield Finding(
            at=place.at(key=True),
            message=f"{model.name} uses speculative decoding ({value['method']}) without a model that drafts",
            fix="add model",
        )


def _expected(field: ConfigField, value: Any) -> tuple[str, str]:
    """Return what was expected and what to write; nothing of a value that is taken."""
    if field.choices and isinstance(value, str):
        written = value.upper() if field.type == "name" else value
        if written in field.choices:
            return "", ""
        near = nearest(written, field.choices)
        return f"one of {either(field.choices[:8])}", f"write {near}" if near else f"write {either(field.choices[:8])}"
    if not _has_type(field, value):
        return _EXPECTED[field.type], f"write {_EXPECTED[field.type]}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        for bound, limit in field.limits.items():
            if not _holds(bound, value, limit):
                told = f"{_BOUNDS[bound]} {limit:g}"
                return told, f"write {told}"
    return "", ""


def _has_type(field: ConfigField, value: Any) -> bool:
    """Return whether a value is one of the type, as far as pydantic does not turn another one into it."""
    if field.type in ("any", "boolean-or-string") or field.type not in _EXPECTED:
        return True
    if field.type == "json":
        return isinstance(value, dict)
    if isinstance(value, dict):
        return False
    if field.type == "list":
        return isinstance(value, list)
    if isinstance(value, list):
        return False
    if field.type == "boolean":
        return isinstance(value, bool) or value in (0, 1) or str(value).lower() in _TRUTH
    if field.type in ("int", "float") and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return False
        return field.type == "float" or number.is_integer()
    return not (field.type == "int" and isinstance(value, float) and not value.is_integer())


def _holds(bound: str, value: float, limit: float) -> bool:
    return {"gt": value > limit, "ge": value >= limit, "lt": value < limit, "le": value <= limit}[bound]
