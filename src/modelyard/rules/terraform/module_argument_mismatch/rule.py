"""Arguments of modules that their folder does not take, or that are missing."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, did_you_mean, nearest
from modelyard.view import Environment, LineAddress
from modelyard.view.terraform.references import modules


@rule("terraform/module-argument-mismatch", error, since="0.3.0")
def module_argument_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform rejects a module call with an undeclared argument, or without a required one."""
    terraform = environment.terraform
    if terraform is None:
        return
    files = environment.repository.files
    known = modules(files, terraform.folder)
    for call in (call for module in known.values() for call in module.calls.values()):
        called = known.get(call.folder)
        if not call.has_source:
            yield Finding(
                at=LineAddress(files, call.file, call.line, call.line, (f'"{call.name}"',)),
                message=f"module {call.name} does not set source, which Terraform requires",
                fix="set source to the module's folder, such as ./modules/network",
            )
        if call.folder and not files.is_folder(call.folder):
            above, _, name = call.folder.rpartition("/")
            near = nearest(name.lower(), files.under(above))
            yield Finding(
                at=LineAddress(files, call.file, call.line, call.line, (f'"{call.name}"',)),
                message=f"module {call.name} reads {call.folder}/, which does not exist",
                fix=f"read {above}/{near}" if near else "write the module's folder",
            )
        if called is None:
            continue
        for name, line in call.arguments.items():
            if name not in called.names["var"]:
                yield Finding(
                    at=LineAddress(files, call.file, line, line, (name,)),
                    message=f"module {call.name} sets {name}, which {call.folder}/ does not declare",
                    fix=did_you_mean(name, called.names["var"] - call.arguments.keys()) or "remove it, or declare it",
                )
        missing = sorted(called.required - call.arguments.keys())
        if missing:
            yield Finding(
                at=LineAddress(files, call.file, call.line, call.line, (f'"{call.name}"',)),
                message=f"module {call.name} does not set {both(missing)}, which {call.folder}/ requires",
                fix=f"set {both(missing)}, or declare a default",
            )
