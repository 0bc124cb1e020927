"""Files of kustomizations in which a mapping has a key twice."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, warning
from modelyard.repository import DuplicateKey, FileAddress
from modelyard.rules import rule
from modelyard.view import Environment


@rule("kustomize/duplicate-key", warning, since="0.1.0")
def duplicate_key(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kustomize accepts a file with a duplicate key, but merges or drops one of the values."""
    seen: set[str] = set()
    for application in environment.applications:
        repository = application.repository
        if repository is None or application.errors:
            continue  # a build that failed says why
        for target in (application.target, *application.further):
            for path in sorted(repository.kustomizations.tree(target).inputs) if target else ():
                if path in seen or not path.endswith((".yaml", ".yml")):
                    continue
                seen.add(path)
                try:
                    repository.files.documents(path)
                except DuplicateKey as twice:
                    yield Finding(
                        at=twice.at or FileAddress(repository.files, path),
                        message=twice.message.replace("is not valid YAML: the key", "has a key twice:"),
                        fix="keep one of the two",
                        application=application.name,
                    )
                except UserError:
                    continue  # text that is no YAML may be the content of a ConfigMap
