"""References to counted resources as if there were one."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress

_COUNTED = re.compile(
    r'^resource[ \t]+"(\w+)"[ \t]+"(\w+)"[ \t]*\{\n(?:[ \t]*+(?:#[^\n]*+)?\n)*+[ \t]+count[ \t]*=', re.MULTILINE
)


@rule("terraform/counted-without-index", error, since="0.1.0")
def counted_without_index(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform fails on a reference without an index to a resource with `count`, and plans nothing."""
    terraform = environment.terraform
    texts = [(file, text) for file, text in terraform.texts() if file.endswith(".tf")] if terraform is not None else []
    counted: dict[str, set[str]] = {}
    for file, text in texts:
        folder = file.rpartition("/")[0]
        counted.setdefault(folder, set()).update(".".join(each) for each in _COUNTED.findall(text))
    for file, text in texts:
        names = counted[file.rpartition("/")[0]]
        if not names:
            continue
        wrong = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, sorted(names)))})\.([a-z]\w*)")
        for number, line in enumerate(text.splitlines(), 1):
            for found in wrong.finditer(line.partition("#")[0]):
                yield Finding(
                    at=LineAddress(environment.repository.files, file, number, number, (found[0],)),
                    message=f"{found[1]} has a count, so {found[0]} needs an index",
                    fix=f"write {found[1]}[0].{found[2]}, or one({found[1]}[*].{found[2]}) if it may be absent",
                )
