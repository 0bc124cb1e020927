"""ExternalSecrets that the operator cannot make a Secret of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest, entries, mapping, numbered, text, texts_in

_GROUP, _GENERATORS = "external-secrets.io", "generators.external-secrets.io"
_DURATION = re.compile(r"-?(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+|0")
_FIELD = re.compile(r"\{\{-?[^{}]*?(?<![\w.)$\"'])\.([A-Za-z_]\w*)")
_ACTION = re.compile(r"\{\{[^{}]*\}\}")
# What generators give: https://external-secrets.io/latest/api/generator/
_GIVEN = {
    "Password": {"password"},
    "UUID": {"uuid"},
    "ECRAuthorizationToken": {"username", "password", "proxy_endpoint", "expires_at"},
}


@rule("secrets/refused-external-secret", error, since="0.3.0", absence="object")
def refused_external_secret(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The operator makes no Secret from a duration, a field or a generator that it does not know, and pods wait."""
    for manifest in environment.of_kind("ExternalSecret", _GROUP):
        if not environment.is_ours(manifest):
            continue
        interval = manifest.get("spec.refreshInterval")
        if isinstance(interval, str) and interval and not _DURATION.fullmatch(interval):
            yield Finding(
                at=manifest.at("spec.refreshInterval"),
                message=f"refreshInterval of {manifest} is {interval}, which is no duration",
                fix="write a number with its unit, such as 1h or 30m",
            )
        yield from _merged(environment, manifest)
        yield from _of_generators(environment, manifest)
        yield from _of_template(manifest)


def _merged(environment: Environment, manifest: Manifest) -> Iterator[Finding]:
    """Yield what is merged into a Secret that nobody makes.

    https://external-secrets.io/latest/guides/ownership-deletion-policy/, read 2026-12-01
    """
    if manifest.get("spec.target.creationPolicy") != "Merge":
        return
    namespace = environment.namespace_of(manifest)
    name = manifest.get("spec.target.name") or manifest.name
    others = [
        each
        for each in environment.of_kind("ExternalSecret", _GROUP)
        if (each.get("spec.target.name") or each.name) == name
        and each.get("spec.target.creationPolicy", "Owner") in ("Owner", "Orphan")
    ]
    made = [each for each in environment.of_kind("Secret", "") if each.name == name]
    if not any(environment.namespace_of(each) == namespace for each in (*others, *made)):
        yield Finding(
            at=manifest.at("spec.target.creationPolicy"),
            message=f"{manifest} has creationPolicy Merge, which adds to a Secret, and nobody makes {name}",
            fix="write Owner",
        )


def _of_generators(environment: Environment, manifest: Manifest) -> Iterator[Finding]:
    namespace = environment.namespace_of(manifest)
    for index, entry in numbered(manifest.value, "spec", "dataFrom"):
        reference = mapping(entry, "sourceRef", "generatorRef")
        kind, name = text(reference, "kind"), text(reference, "name")
        known = {
            each.name
            for each in environment.of_kind(kind, _GENERATORS)
            if environment.namespace_of(each) == namespace or kind == "ClusterGenerator"
        }
        if kind and name and name not in known:
            near = nearest(name, known)
            yield Finding(
                at=manifest.at(("spec", "dataFrom", index, "sourceRef", "generatorRef", "name")),
                message=f"{manifest} reads the generator {kind} {name}, which does not exist in namespace {namespace}",
                fix=f"write {near or one_of(known)}" if known else f"add a {kind}",
            )


def _of_template(manifest: Manifest) -> Iterator[Finding]:
    """Yield fields of a template that nothing fetches; a whole secret may hold any."""
    template = manifest.mapping("spec.target.template")
    fields = {text(each, "secretKey") for each in entries(manifest.value, "spec", "data")}
    for entry in entries(manifest.value, "spec", "dataFrom"):
        given = _GIVEN.get(text(entry, "sourceRef", "generatorRef", "kind"))
        if given is None or entry.get("rewrite"):
            return
        fields |= given
    for path, written in texts_in(mapping(template, "data"), ("spec", "target", "template", "data")):
        for action in _ACTION.findall(written) if fields else ():
            for field in _FIELD.findall(action) if "range" not in action and "with" not in action else ():
                if field not in fields:
                    near = nearest(field, fields)
                    yield Finding(
                        at=manifest.at(path),
                        message=f"the template of {manifest} reads .{field}, which nothing fetches",
                        fix=f"write .{near or one_of(fields)}",
                    )
