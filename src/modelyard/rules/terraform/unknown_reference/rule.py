"""Names in Terraform's expressions that nothing declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Environment
from modelyard.view.terraform.references import Module, Reference, modules

_WORDS = {
    "var": "variable",
    "local": "local value",
    "module": "module",
    "data": "data source",
    "resource": "resource",
}


@rule("terraform/unknown-reference", error, since="0.3.0")
def unknown_reference(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Every plan fails on a reference to a variable, local value or output that the module does not declare."""
    terraform = environment.terraform
    if terraform is None:
        return
    files = environment.repository.files
    known = modules(files, terraform.folder)
    for module in known.values():
        providers = {name.partition("_")[0] for kind in ("resource", "data") for name in module.names[kind]}
        for file, references in module.references.items():
            for each in dict.fromkeys(references):
                for message, names in _faults(module, known, each, providers):
                    yield Finding(
                        at=module.at(files, file, each.line, each.text),
                        message=message,
                        fix=did_you_mean(each.output or each.name, names) or "declare it, or remove the reference",
                    )


def _faults(
    module: Module, known: Mapping[str, Module], reference: Reference, providers: set[str]
) -> Iterator[tuple[str, set[str]]]:
    kind, name = reference.kind, reference.name
    declared = module.names[kind]
    if kind in ("resource", "data") and name.partition("_")[0] not in providers:
        return  # a name that `for` binds looks alike
    if name not in declared:
        yield f"{reference.text} references a {_WORDS[kind]} that {module.folder}/ does not declare", declared
    elif reference.output and kind == "module":
        called = known.get(module.calls[name].folder)
        if called is not None and reference.output not in called.outputs:
            yield f"{reference.text} references an output that {called.folder}/ does not have", called.outputs
