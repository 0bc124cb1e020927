"""Templates of ApplicationSets in the syntax that is not switched on."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, texts_in

_GO = re.compile(r"\{\{-?\s*(?:\.[A-Za-z]|(?:if|range|with|index|default|normalize|printf|dig)\b)")
_PLAIN = re.compile(r"\{\{\s*([a-zA-Z][\w-]*(?:\.[\w-]+|\[\d+\])*)\s*\}\}")
# What stands alone in a Go template.
_WORDS = frozenset({"end", "else", "now"})


@rule("argocd/unread-template-syntax", error, since="0.1.0")
def unread_template_syntax(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD evaluates one of two template syntaxes; the other stays as literal text, or fails."""
    for manifest in environment.of_kind("ApplicationSet", "argoproj.io"):
        go = manifest.get("spec.goTemplate") is True
        for path, value in texts_in(manifest.get("spec.template"), ("spec", "template")):
            plain = next((word for word in _PLAIN.findall(value) if word not in _WORDS), "")
            if not go and _GO.search(value):
                yield Finding(
                    at=manifest.at(path),
                    message=f"{manifest} has {value!r}, a Go template, but spec.goTemplate is not true",
                    fix="set spec.goTemplate: true, or write {{path.basename}} without the leading dot",
                )
                break
            if go and plain and not _GO.search(value):
                yield Finding(
                    at=manifest.at(path),
                    message=f"{manifest} has {value!r}, which a Go template parses as a function call",
                    fix=f"write {{{{.{plain}}}}}, or remove spec.goTemplate",
                )
                break
