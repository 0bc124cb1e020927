"""Value files that are not in the repository."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, listed, mapping


@rule("argocd/missing-values-file", error, since="0.1.0")
def missing_values_file(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD cannot render a chart when one of its value files does not exist."""
    yield from _unreferenced(environment)
    for values in environment.chart_values:
        references = {str(each.value["ref"]) for each in values.application.sources if each.value.get("ref")}
        for index, path in values.unresolved:
            reference = path.removeprefix("$").partition("/")[0]
            near = nearest(reference, references) or next(iter(sorted(references)), "")
            yield Finding(
                at=values.application.at((*values.source.path, "helm", "valueFiles", index)),
                message=f"chart {values.source.chart} of {values.application} reads {path}, and no source has the ref "
                f"{reference}",
                fix=f"write ${near}" if near else f"add a source with ref: {reference}",
            )
        if mapping(values.source.value, "helm").get("ignoreMissingValueFiles"):
            continue
        for index, path in values.missing:
            folder, _, name = path.rpartition("/")
            near = nearest(name, values.repository.files.under(folder))
            yield Finding(
                at=values.application.at((*values.source.path, "helm", "valueFiles", index)),
                message=f"chart {values.source.chart} of {values.application} reads {path}, which does not exist",
                fix=f"use {folder}/{near}" if near else "create the file, or remove it from valueFiles",
            )


def _unreferenced(environment: Environment) -> Iterator[Finding]:
    """Yield value files of this repository that are looked for in the chart: their path begins with no source."""
    files = environment.repository.files
    for application in environment.applications:
        references = sorted(str(each.value["ref"]) for each in application.sources if each.value.get("ref"))
        for source in application.sources if references else ():
            written = listed(source.value, "helm", "valueFiles") if source.chart else []
            for index, path in enumerate(map(str, written)):
                if not path.startswith("$") and "/" in path.strip("/") and files.is_file(path.strip("/")):
                    yield Finding(
                        at=application.at((*source.path, "helm", "valueFiles", index)),
                        message=f"chart {source.chart} of {application} reads its values from {path}, which is looked "
                        "for in the chart, and is in this repository",
                        fix=f"write ${references[0]}/{path.strip('/')}",
                    )
